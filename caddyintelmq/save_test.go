package caddyintelmq_test

import (
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// withRate is a configuration in which one number is another.
func withRate(runtime string, rate int) string {
	return strings.Replace(runtime, `"rate_limit":0`, `"rate_limit":`+strconv.Itoa(rate), 1)
}

// asJSON is the type of what is saved.
var asJSON = []string{"Content-Type", "application/json"}

// TestTheFirstOfTwoSaversWins if both say what they have seen.
func TestTheFirstOfTwoSaversWins(t *testing.T) {
	b := start(t, "")
	for route, bodies := range map[string][2]string{
		"runtime":   {withRate(b.as(t, "reader", "runtime").Text, 1), withRate(b.as(t, "reader", "runtime").Text, 2)},
		"positions": {`{"csv-parser":{"x":1,"y":2}}`, `{"csv-parser":{"x":3,"y":4}}`},
	} {
		tag := b.as(t, "reader", route).Header.Get("ETag")
		if tag == "" {
			t.Fatalf("%s has no ETag", route)
		}
		first := b.post(t, "writer", route, bodies[0], append(asJSON, "If-Match", tag)...)
		expect(t, first, 200, "success")
		second := b.post(t, "writer", route, bodies[1], append(asJSON, "If-Match", tag)...)
		if second.StatusCode != http.StatusPreconditionFailed || second.Text == "success" || second.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%s: HTTP %d %s", route, second.StatusCode, second.Text)
		}
		now := b.as(t, "reader", route)
		if now.Text != bodies[0] || now.Header.Get("ETag") != first.Header.Get("ETag") || now.Header.Get("ETag") == tag {
			t.Errorf("%s: %s %s", route, now.Header.Get("ETag"), now.Text)
		}
		expect(t, b.post(t, "writer", route, bodies[1], append(asJSON, "If-Match", now.Header.Get("ETag"))...), 200, "success")
	}
}

// TestManySaversNeverLeaveHalfAFile: without a condition the last one wins, as it
// always did.
func TestManySaversNeverLeaveHalfAFile(t *testing.T) {
	b := start(t, "")
	original := b.as(t, "reader", "runtime").Text
	path := b.botnet.Path("etc/runtime.yaml")
	const savers = 12
	whole := map[string]bool{readFile(t, path): true}
	for n := range savers {
		expect(t, b.post(t, "writer", "runtime", withRate(original, n+1), asJSON...), 200, "success")
		whole[readFile(t, path)] = true
	}
	if len(whole) != savers+1 {
		t.Fatalf("%d contents of %d saves", len(whole), savers)
	}
	done := make(chan struct{})
	var reading, saving sync.WaitGroup
	reading.Go(func() {
		for {
			text, err := os.ReadFile(path)
			if err != nil || !whole[string(text)] {
				t.Errorf("the file holds %d bytes that nobody has saved: %v", len(text), err)
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	for n := range savers {
		saving.Go(func() {
			o := b.attempt(t.Context(), http.MethodPost, api+"runtime", withRate(original, n+1), append(b.by("writer"), asJSON...)...)
			if o.status != 200 || o.text != "success" {
				t.Errorf("HTTP %d %s %v", o.status, o.text, o.err)
			}
		})
	}
	saving.Wait()
	close(done)
	reading.Wait()
	if got := b.as(t, "reader", "runtime").Text; got == original || withRate(original, 0) == got {
		t.Errorf("nothing was saved")
	}
	expectNoRemains(t, b, "runtime.yaml", "runtime.yaml.bak", "harmonization.conf", "manager")
}

// expectNoRemains holds the folder of the configuration against what belongs there.
func expectNoRemains(t *testing.T, b *bench, belong ...string) {
	t.Helper()
	entries, err := os.ReadDir(b.botnet.Path("etc"))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !strings.Contains(" "+strings.Join(belong, " ")+" ", " "+entry.Name()+" ") {
			t.Errorf("'%s' is left", entry.Name())
		}
	}
}

// TestASaveWaitsForAChange, since intelmqctl reads the file.
func TestASaveWaitsForAChange(t *testing.T) {
	b := start(t, "")
	original := b.as(t, "reader", "runtime").Text
	b.botnet.Switch("stall=500ms")
	starting := b.later(t.Context(), "writer", "bot?action=start&id=csv-parser")
	awaitCall(t, b.botnet, "start csv-parser")
	expect(t, b.post(t, "writer", "runtime", withRate(original, 1), asJSON...), 200, "success")
	if running(b.botnet, "start csv-parser") > 0 {
		t.Error("it was saved while the bot was started")
	}
	if o := <-starting; o.text != "\"running\"\n" {
		t.Errorf("HTTP %d %s %v", o.status, o.text, o.err)
	}
}

func TestWhatCannotBeMeantIsNotSaved(t *testing.T) {
	b := start(t, "max_body 64KiB")
	runtime, positions := b.botnet.Path("etc/runtime.yaml"), b.botnet.Path("etc/manager/positions.conf")
	before, placed := readFile(t, runtime), readFile(t, positions)
	for _, route := range []string{"runtime", "/runtime", "positions", "/positions"} {
		for _, test := range []struct {
			contentType, body string
			status            int
		}{
			{asJSON[1], `[]`, 422},
			{asJSON[1], `{}`, 422},
			{asJSON[1], ``, 422},
			{asJSON[1], `null`, 422},
			{asJSON[1], `"x"`, 422},
			{asJSON[1], `{"global":`, 422},
			{asJSON[1], "{\"a\":{\"b\":\"\xff\"}}", 422},
			{"text/plain", `{"a":{}}`, 422},
			{form[1], `{"a":{}}`, 422},
			{asJSON[1], `{"a":{"b":"` + strings.Repeat("x", 64<<10) + `"}}`, 413},
		} {
			r := b.post(t, "writer", route, test.body, "Content-Type", test.contentType)
			if r.StatusCode != test.status || r.Text == "success" {
				t.Errorf("%s: %.40s: HTTP %d %s", route, test.body, r.StatusCode, r.Text)
			}
		}
	}
	expectStatus(t, b.post(t, "writer", "runtime", `{"csv-parser":"x"}`, asJSON...), 422)
	if readFile(t, runtime) != before || readFile(t, positions) != placed {
		t.Error("a file is another one now")
	}
	expectNoRemains(t, b, "runtime.yaml", "harmonization.conf", "manager")
}
