package fire_test

import (
	"fmt"
	"os"
	"testing"
)

// figure notes what a test has measured: in its log, and in the file that the
// environment variable SALLYPORT_FIGURES names, if it does.
func figure(t *testing.T, format string, args ...any) {
	t.Helper()
	text := fmt.Sprintf(format, args...)
	t.Log(text)
	path := os.Getenv("SALLYPORT_FIGURES")
	if path == "" {
		return
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(file, "%s: %s\n", t.Name(), text)
	if closed := file.Close(); err != nil || closed != nil {
		t.Fatal(err, closed)
	}
}
