package fire_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"
)

// figure tells a figure that a test has found. With SALLYPORT_FIGURES=<file> it is
// a line of that file as well, since `go test` shows what passes to nobody.
func figure(t *testing.T, format string, args ...any) {
	t.Helper()
	text := fmt.Sprintf(format, args...)
	t.Log(text)
	name := os.Getenv("SALLYPORT_FIGURES")
	if name == "" {
		return
	}
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := fmt.Fprintf(file, "%s: %s\n", t.Name(), text); err != nil {
		t.Fatal(err)
	}
}

// setting is a number from the environment, or what it is without.
func setting(t *testing.T, name string, without uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return without
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// rounds is how often a test kills: SALLYPORT_ROUNDS, or 200.
func rounds(t *testing.T) int {
	t.Helper()
	return int(setting(t, "SALLYPORT_ROUNDS", 200))
}

// seed begins the random numbers of a test: SALLYPORT_SEED, or another one each
// time. A test that has failed tells which, so that it can be run again.
func seed(t *testing.T) uint64 {
	t.Helper()
	s := setting(t, "SALLYPORT_SEED", uint64(time.Now().UnixNano())&0xffffffff)
	t.Logf("SALLYPORT_SEED=%d", s)
	return s
}
