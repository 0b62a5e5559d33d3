package caddyauth

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/plugin/admin"
)

func TestAServerThatHangsCanBeGoneRound(t *testing.T) {
	const advice = "with --store sqlite:<path> the command opens the store itself"
	if err := orOpened(fmt.Errorf("the server at x %w", admin.ErrNoAnswer)); !strings.HasSuffix(err.Error(), advice) || exitCode(err) != 5 {
		t.Errorf("%v, exit code %d", err, exitCode(err))
	}
	for _, err := range []error{nil, fs.ErrPermission, &admin.RefusedError{Status: 400, Text: "no"}} {
		if got := orOpened(err); !errors.Is(got, err) || err != nil && got.Error() != err.Error() {
			t.Errorf("'%v' becomes '%v'", err, got)
		}
	}
}
