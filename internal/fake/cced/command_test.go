package cced

import (
	"strings"
	"testing"
)

// FuzzLines feeds commands to a daemon.
func FuzzLines(f *testing.F) {
	for _, seed := range append([]string{
		"GET 1 . Snmp", "FIND User name ~ \"a\" sort name", "FIND User sorttype", "BEGIN", "COMMIT", "HELP",
		"SET 3 .", "ADMIN SUSPEND x", "NAMES \"\"", "AUTHKEY admin \"\"", "AUTH \"\" \"\"", "BYE DEFER", "DESTROY 3",
	}, DefaultSetup...) {
		f.Add(seed, seed)
	}
	s, err := New(Config{Setup: []string{}, Pause: noPause, Second: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		s.store = newStore()
		s.Resume()
		if err := s.setUp([]string{"CREATE System", "CREATE User name = a"}); err != nil {
			t.Fatal(err)
		}
		c := &conn{server: s, run: newRun(nil), caller: caller{admin: true}}
		c.take([]byte(first + "\nBEGIN\n" + second + "\nFIND User\nGET 2\nCOMMIT\n"))
		if len(c.out) > 0 && !strings.HasSuffix(string(c.out), "\n") {
			t.Errorf("the answer %q does not end a line", c.out)
		}
	})
}
