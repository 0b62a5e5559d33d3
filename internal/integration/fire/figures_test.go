package fire_test

import (
	"fmt"
	"os"
	"testing"
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
