package fire_test

import (
	"fmt"
	"os"
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

// progress tells at once how far a long test is, on standard error. `go test` passes
// it on as it comes only if it is run in the folder of the package, as `make fire`
// does.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format(time.TimeOnly)+" "+format+"\n", args...)
}

// progressOfKills tells of each hundredth.
func progressOfKills(t *testing.T, done, of int) {
	t.Helper()
	if done%100 == 0 || done == of {
		progress("%s: %d of %d kills", t.Name(), done, of)
	}
}
