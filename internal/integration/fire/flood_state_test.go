package fire_test

import (
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// footprint is what the process of the server holds.
type footprint struct {
	// heap is what is in use after a collection, resident what is in memory, logged what
	// the log has, in bytes.
	heap, resident, logged int64
	goroutines, files      int
	// failures are the rows that count failed log-ins, events those of the audit trail,
	// sessions those that there are.
	failures, events, sessions int
}

func (f *fortress) footprint(t *testing.T) (s footprint) {
	t.Helper()
	s.heap = f.profile(t, "/debug/pprof/heap?gc=1&debug=1", `# HeapAlloc = (\d+)`)
	s.goroutines = int(f.profile(t, "/debug/pprof/goroutine?debug=1", `goroutine profile: total (\d+)`))
	pages, _, _ := strings.Cut(strings.SplitN(f.proc(t, "statm"), " ", 2)[1], " ")
	resident, err := strconv.ParseInt(pages, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	s.resident = resident * int64(os.Getpagesize())
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", f.process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	s.files = len(files)
	info, err := os.Stat(filepath.Join(f.dir, "log.json"))
	if err != nil {
		t.Fatal(err)
	}
	s.logged = info.Size()
	f.count(t, &s)
	return s
}

// profile reads a number of the server's profiles.
func (f *fortress) profile(t *testing.T, path, pattern string) int64 {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := f.admin.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(pattern).FindSubmatch(text)
	if found == nil {
		t.Fatalf("%s: %d, and no '%s'", path, response.StatusCode, pattern)
	}
	n, err := strconv.ParseInt(string(found[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (f *fortress) proc(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", f.process.Pid, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// count counts rows of the store.
func (f *fortress) count(t *testing.T, s *footprint) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(f.dir, "auth.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.QueryRowContext(t.Context(), `SELECT (SELECT COUNT(*) FROM login_failures), (SELECT COUNT(*) FROM audit_events), (SELECT COUNT(*) FROM sessions)`).
		Scan(&s.failures, &s.events, &s.sessions)
	if err != nil {
		t.Fatal(err)
	}
}

// expectCalm waits until goroutines and files are back where they were, but for a few
// that come and go.
func (f *fortress) expectCalm(t *testing.T, before footprint) (after footprint) {
	t.Helper()
	const few = 12
	within(t, 30*time.Second, "goroutines and files are given back", func() bool {
		after = f.footprint(t)
		return after.goroutines <= before.goroutines+few && after.files <= before.files+few
	})
	return after
}
