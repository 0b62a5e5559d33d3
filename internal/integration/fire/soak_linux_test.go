package fire_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/caddyrun"
)

// begun is when this program began.
var begun = time.Now()

// TestSoak runs a server until SALLYPORT_SOAK=<duration> has passed since the
// program began, as `make soak` does, and for a third of that at least. Without
// it does nothing. All the time clients check keys, come and go, and present
// nonsense; the configuration is loaded again every few seconds, and another
// process changes the store by `caddy auth`. Each answer has the status that it
// should have.
//
// In the first two fifths of the time the server is killed and started again
// every 15th of it. The last server lives on to the end, and must not grow.
func TestSoak(t *testing.T) {
	length := settingsFor(t).soak
	if length == 0 {
		t.Skip("it runs with SALLYPORT_SOAK=<duration> only")
	}
	length = max(length-time.Since(begun), length/3)
	progress("%s: it takes %s", t.Name(), length.Round(time.Second))
	s := newSoak(t)
	defer s.minute.Stop()
	var hands sync.WaitGroup
	for pace, works := range map[time.Duration][]func(step string) error{
		5 * time.Millisecond:   {s.checkKey, s.checkKey, s.checkKey, s.presentNonsense},
		100 * time.Millisecond: {s.visit},
		500 * time.Millisecond: {s.visitByPassword},
		3 * time.Second:        {s.reload},
		10 * time.Second:       {s.changeFromOutside},
	} {
		for i, work := range works {
			hands.Go(func() { s.repeat(fmt.Sprintf("w%d-%d", pace.Milliseconds(), i), pace, work) })
		}
	}
	const kills = 6
	for range kills {
		s.wait(length / 15)
		s.kill()
	}
	lastLife := length - kills*length/15
	s.wait(lastLife / 5)
	early := s.measure()
	s.wait(lastLife - lastLife/5)
	late := s.measure()
	close(s.over)
	hands.Wait()
	s.judge(early, late, length, kills)
}

// soak is a server under a steady mix.
type soak struct {
	*service
	// key is one that always holds.
	key   string
	over  chan struct{}
	began time.Time
	// minute ticks when it is time to tell how it goes.
	minute   *time.Ticker
	requests atomic.Int64
	// lives is counted when the server is killed and when it is ready again, so it
	// is odd while there is none.
	lives atomic.Int64
	// atWork is held by each hand for one piece of work. Who measures takes it from
	// all.
	atWork sync.RWMutex
	// version is that of the configuration loaded last, loaded when that began, in
	// nanoseconds of Unix time.
	version, loaded atomic.Int64
	// drops are connections that were lost by it.
	drops atomic.Int64
}

func newSoak(t *testing.T) *soak {
	t.Helper()
	s := &soak{service: newService(t), over: make(chan struct{}), began: time.Now(), minute: time.NewTicker(time.Minute)}
	s.addAlice()
	var err error
	if s.key, err = s.issue("steady"); err != nil {
		t.Fatal(err)
	}
	return s
}

// wait lets the hands work for a while, and tells each minute how it goes.
func (s *soak) wait(long time.Duration) {
	s.t.Helper()
	for end := time.After(long); ; {
		select {
		case <-end:
			return
		case <-s.minute.C:
			progress("%s: %s: %d requests, %d kills, memory %d kB", s.t.Name(), time.Since(s.began).Round(time.Second), s.requests.Load(), s.lives.Load()/2, s.memory())
		}
	}
}

// repeat does a piece of work again and again. Only the end of the server excuses
// an error.
func (s *soak) repeat(name string, pace time.Duration, work func(string) error) {
	for step := 0; ; step++ {
		select {
		case <-s.over:
			return
		case <-time.After(pace):
		}
		s.atWork.RLock()
		life := s.lives.Load()
		if life%2 == 0 {
			if err := work(fmt.Sprintf("%s-%d", name, step)); err != nil && s.lives.Load() == life && !s.dropped(err) {
				s.t.Errorf("%s: %v", time.Now().UTC().Format(time.StampMilli), err)
			}
		}
		s.atWork.RUnlock()
	}
}

// dropped counts an error that is a connection which Caddy has closed while it
// loaded another configuration. It does so without any of our modules, too, to
// about one in a thousand of those that begin at that moment.
func (s *soak) dropped(err error) bool {
	lost := errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
	if !lost || time.Since(time.Unix(0, s.loaded.Load())) > time.Second {
		return false
	}
	s.drops.Add(1)
	return true
}

// kill kills the server in the middle of its work, and starts it again.
func (s *soak) kill() {
	s.t.Helper()
	s.lives.Add(1)
	s.cut()
	s.start()
	s.lives.Add(1)
}

func (s *soak) checkKey(string) error {
	s.requests.Add(1)
	return s.present("the steady key", s.key, http.StatusOK)
}

func (s *soak) presentNonsense(step string) error {
	s.requests.Add(1)
	return s.present("nonsense", step, http.StatusUnauthorized)
}

// visit is a key's life, with a session.
func (s *soak) visit(step string) error {
	key, err := s.issue(step)
	if err != nil {
		return err
	}
	token, err := s.logIn(`"apikey":"` + step + ":" + key + `"`)
	if err != nil {
		return err
	}
	s.requests.Add(8)
	return firstError(
		func() error { return s.present("a new key", key, http.StatusOK) },
		func() error { return s.present("a new session", token, http.StatusOK) },
		func() error { return s.logOut(token) },
		func() error { return s.present("an ended session", token, http.StatusUnauthorized) },
		func() error { return s.revoke(step) },
		func() error { return s.present("a revoked key", key, http.StatusUnauthorized) },
	)
}

func (s *soak) visitByPassword(string) error {
	token, err := s.logIn(`"password":"` + passwordOf("alice") + `"`)
	if err != nil {
		return err
	}
	s.requests.Add(4)
	return firstError(
		func() error { return s.present("a new session", token, http.StatusOK) },
		func() error { return s.logOut(token) },
		func() error { return s.present("an ended session", token, http.StatusUnauthorized) },
	)
}

func firstError(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// reload loads another configuration, which is in force when that is answered.
func (s *soak) reload(string) error {
	version := strconv.FormatInt(s.version.Add(1), 10)
	file := strings.NewReplacer("{$VERSION}", version, "{$DIR}", s.dir).Replace(serviceFile)
	s.loaded.Store(time.Now().UnixNano())
	a, err := s.do(s.api, http.MethodPost, "/load", file, "Content-Type", "text/caddyfile")
	if err == nil && a.status != http.StatusOK {
		err = &unexpected{"loading a configuration", http.StatusOK, a}
	}
	if err != nil {
		return err
	}
	a, err = s.do(s.site, http.MethodGet, "/", "", "Authorization", "Bearer "+s.key)
	if err == nil && a.text != "in "+version {
		err = &unexpected{"configuration " + version, http.StatusOK, a}
	}
	return err
}

// propagation is how long the change of another process may take.
const propagation = 500 * time.Millisecond

// changeFromOutside issues and revokes a key by a process that opens the store.
func (s *soak) changeFromOutside(step string) error {
	run := func(arguments ...string) (string, error) {
		command := caddyrun.Command(s.t, s.dir, append([]string{"auth", "key"}, append(arguments, "--store", "sqlite:"+filepath.Join(s.dir, "auth.db"))...)...)
		var stderr strings.Builder
		command.Stderr = &stderr
		output, err := command.Output()
		if err != nil {
			return "", fmt.Errorf("caddy auth key %s: %w: %s", arguments[0], err, stderr.String())
		}
		return string(output), nil
	}
	output, err := run("issue", "alice/"+step)
	if err != nil {
		return err
	}
	lines := strings.Fields(output)
	if len(lines) == 0 {
		return errors.New("caddy auth key issue has printed no key")
	}
	key := lines[len(lines)-1]
	time.Sleep(propagation)
	if err := s.present("a key from outside", key, http.StatusOK); err != nil {
		return err
	}
	if _, err := run("revoke", "alice/"+step); err != nil {
		return err
	}
	time.Sleep(propagation)
	return s.present("a key revoked from outside", key, http.StatusUnauthorized)
}

// sizes are those of a process while nobody asks it for anything.
type sizes struct{ memory, goroutines, descriptors int }

// measure stops all hands and looks how large the server is.
func (s *soak) measure() (z sizes) {
	s.t.Helper()
	s.atWork.Lock()
	defer s.atWork.Unlock()
	s.site.CloseIdleConnections()
	if _, err := s.do(s.api, http.MethodGet, "/debug/pprof/heap?gc=1", ""); err != nil {
		s.t.Fatal(err)
	}
	profile, err := s.do(s.api, http.MethodGet, "/debug/pprof/goroutine?debug=1", "")
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := fmt.Sscanf(profile.text, "goroutine profile: total %d", &z.goroutines); err != nil {
		s.t.Fatal(err)
	}
	open, err := os.ReadDir(s.proc("fd"))
	if err != nil {
		s.t.Fatal(err)
	}
	z.descriptors, z.memory = len(open), s.memory()
	return z
}

// memory is what the server has of it, in kB.
func (s *soak) memory() (kilobytes int) {
	s.t.Helper()
	status, err := os.ReadFile(s.proc("status"))
	if err != nil {
		s.t.Fatal(err)
	}
	_, memory, _ := strings.Cut(string(status), "VmRSS:")
	if _, err := fmt.Sscanf(memory, "%d kB", &kilobytes); err != nil {
		s.t.Fatal(err)
	}
	return kilobytes
}

// proc is what the kernel tells of the server.
func (s *soak) proc(name string) string {
	return filepath.Join("/proc", strconv.Itoa(s.process.Pid), name)
}

// judge holds the end against the beginning.
func (s *soak) judge(early, late sizes, length time.Duration, kills int) {
	s.t.Helper()
	log, err := os.Stat(filepath.Join(s.dir, "log.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	requests := s.requests.Load()
	perRequest := float64(log.Size()) / float64(requests)
	figure(s.t, "%s: %d requests, %d kills, %d loaded configurations with %d connections dropped; memory %d → %d kB, goroutines %d → %d, descriptors %d → %d, log %.0f bytes a request",
		length.Round(time.Second), requests, kills, s.version.Load(), s.drops.Load(), early.memory, late.memory, early.goroutines, late.goroutines, early.descriptors, late.descriptors, perRequest)
	if 2*late.memory > 3*early.memory {
		s.t.Error("the memory has grown by more than half")
	}
	// A connection or two may be just ending.
	if late.goroutines > early.goroutines+10 || late.descriptors > early.descriptors+10 {
		s.t.Error("goroutines or descriptors have become more")
	}
	if s.drops.Load() > s.version.Load() {
		s.t.Error("more than one connection was dropped for each configuration")
	}
	if perRequest > 200 {
		s.t.Error("the log has more than 200 bytes a request")
	}
	db := openFile(s.t, s.dir)
	defer db.Close()
	checkFile(s.t, db)
	if s.t.Failed() {
		s.t.Log(s.faults())
	}
}

// faults are the first errors in the server's log.
func (s *soak) faults() string {
	text, err := os.ReadFile(filepath.Join(s.dir, "log.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	var faults []string
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, `"level":"error"`) && len(faults) < 20 {
			faults = append(faults, line)
		}
	}
	return strings.Join(faults, "")
}
