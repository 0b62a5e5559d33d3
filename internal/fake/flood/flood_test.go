package flood_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/fake/flood"
)

// listener is a server and what has come to it.
type listener struct {
	*httptest.Server
	mu             sync.Mutex
	paths, sources map[string]int
}

func listen(t *testing.T) *listener {
	l := &listener{paths: map[string]int{}, sources: map[string]int{}}
	l.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		source, _, _ := net.SplitHostPort(r.RemoteAddr)
		l.mu.Lock()
		l.paths[r.URL.Path]++
		l.sources[source]++
		l.mu.Unlock()
		if err != nil {
			return
		}
		w.WriteHeader(http.StatusTeapot)
	}))
	l.Config.ReadTimeout = 300 * time.Millisecond
	l.Start()
	t.Cleanup(l.Close)
	return l
}

func (l *listener) address() string { return strings.TrimPrefix(l.URL, "http://") }

func numbered(n int) string { return "GET /" + strconv.Itoa(n) + " HTTP/1.1\r\nHost: x\r\n\r\n" }

func TestAFloodMakesEachRequestOnceAndCountsTheAnswers(t *testing.T) {
	l := listen(t)
	f := flood.Flood{Dial: flood.FromNetworks(l.address()), Lines: 3, Deep: 4, Request: numbered}
	answers, err := f.Run(t.Context(), 120)
	if err != nil || answers.Statuses[http.StatusTeapot] != 120 || answers.Count() != 120 {
		t.Fatalf("%v, %v", answers, err)
	}
	if len(l.paths) != 120 || len(l.sources) > 3 || l.sources["127.0.0.1"] > 0 {
		t.Errorf("%d paths from %v", len(l.paths), l.sources)
	}
	if text := answers.String(); !strings.HasPrefix(text, "120 of 418; ") {
		t.Errorf("it is written '%s'", text)
	}
}

func TestAFloodKeepsItsPaceAndEndsWhenItIsTold(t *testing.T) {
	l := listen(t)
	f := flood.Flood{Dial: flood.From("127.0.0.2", l.address()), Lines: 2, Deep: 5, PerSecond: 100, Request: numbered}
	ctx, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer stop()
	answers, err := f.Run(ctx, 0)
	if err != nil || answers.Count() < 5 || answers.Count() > 35 || l.sources["127.0.0.2"] < answers.Count() {
		t.Errorf("%v from %v, %v", answers, l.sources, err)
	}
}

func TestAFloodTellsThatNobodyListens(t *testing.T) {
	l := listen(t)
	address := l.address()
	l.Close()
	f := flood.Flood{Dial: flood.From("127.0.0.1", address), Lines: 1, Deep: 1, Request: numbered}
	if _, err := f.Run(t.Context(), 1); err == nil {
		t.Error("there is no error")
	}
	h := flood.Hold{Dial: flood.From("127.0.0.1", address), Lines: 1}
	if _, err := h.Open(t.Context()); err == nil {
		t.Error("there is no error of those who wait")
	}
}

func TestThoseWhoAreInNoHurryAreSeenToBeClosed(t *testing.T) {
	l := listen(t)
	h := flood.Hold{
		Dial: flood.From("127.0.0.1", l.address()), Lines: 3, Drip: 10 * time.Millisecond,
		Begin: "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\n",
	}
	held, err := h.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if closed, statuses := held.Wait(10 * time.Second); closed != 3 {
		t.Errorf("%d are closed, %v", closed, statuses)
	}
}

func TestThoseWhomAServerBearsAreSeenToBeOpen(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	h := flood.Hold{Dial: flood.From("127.0.0.1", l.Addr().String()), Lines: 2}
	held, err := h.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if closed, statuses := held.Wait(50 * time.Millisecond); closed != 0 || statuses[0] != 2 {
		t.Errorf("%d are closed, %v", closed, statuses)
	}
}
