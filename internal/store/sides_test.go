package store_test

import (
	"errors"
	"os"
	"testing"

	"github.com/sallyport/sallyport/internal/store"
)

func TestAFileThatGoesWhileItIsOpenedIsAnError(t *testing.T) {
	l := locate(t)
	with(t, l, "alice")
	file, err := os.Stat(l.Path)
	if err != nil {
		t.Fatal(err)
	}
	move(t, l.Path, l.Path+".away")
	if err := store.ConnectTo(t, l, file); !errors.Is(err, store.ErrReplaced) {
		t.Errorf("%v", err)
	}
}
