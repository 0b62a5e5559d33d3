package caddyintelmq_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/fake/intelmqctl"
)

// TestASaveDoesNotGoToAnotherInstallation: as long as intelmqctl has not said where
// its files are, there may be others at the usual place.
func TestASaveDoesNotGoToAnotherInstallation(t *testing.T) {
	b := prepare(t)
	other := intelmqctl.Start(t)
	t.Setenv("INTELMQ_ROOT_DIR", other.Root)
	b.botnet.Switch("stall=3s")
	command := "command " + b.botnet.Command + " -root " + b.botnet.Root
	b.use(t, b.sites("http://:0 {\n"+block("/intelmq", command+"\ntimeout 1s")+"}\n"))
	before, err := os.ReadFile(other.Path("etc/runtime.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, ask := range []func() (int, string){
		func() (int, string) {
			r := b.post(t, "writer", "runtime", `{"x":{"y":1}}`, asJSON...)
			return r.StatusCode, r.Text
		},
		func() (int, string) {
			r := b.as(t, "writer", "bot?action=start&id=csv-parser")
			return r.StatusCode, r.Text
		},
		func() (int, string) {
			r := b.as(t, "reader", "runtime")
			return r.StatusCode, r.Text
		},
	} {
		if status, text := ask(); status != http.StatusGatewayTimeout || !strings.Contains(text, "--get-paths") {
			t.Errorf("%d %s", status, text)
		}
	}
	after, err := os.ReadFile(other.Path("etc/runtime.yaml"))
	if err != nil || string(after) != string(before) {
		t.Errorf("%v: the other installation has\n%s", err, after)
	}
	b.botnet.Switch()
	eventually(t, func() string {
		if r := b.as(t, "writer", "bot?action=start&id=csv-parser"); r.Text != "\"running\"\n" {
			return r.Text
		}
		return ""
	})
}

// TestABodyOfWhoMayNotWriteIsNotRead, since many of them would fill the memory.
func TestABodyOfWhoMayNotWriteIsNotRead(t *testing.T) {
	b := start(t, "")
	for _, route := range []string{"runtime", "positions", "run?bot=csv-parser&cmd=get"} {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(b.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "POST %s%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Length: 8000000\r\n\r\n%s", api, route, b.keys["reader"],
			// What net/http throws away at the end of a request.
			strings.Repeat(" ", 300<<10))
		if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 403 ") {
			t.Errorf("%s: %v %s", route, err, line)
		}
	}
}
