package caddyauth

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/fake/manykeys"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/store"
)

// oldStore makes a store of the schema before the newest one.
func oldStore(t *testing.T) store.Location {
	t.Helper()
	made, err := manykeys.Make(t.Context(), filepath.Join(t.TempDir(), "auth.db"), manykeys.Plan{Keys: 10, Users: 2, Schema: 4, Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	return made.Location
}

func TestAnUpgradeOfTheSchemaIsLoggedByTheServer(t *testing.T) {
	var written bytes.Buffer
	log := slog.New(slog.NewTextHandler(&written, nil))
	d, err := shareDirectory(identity.Config{Location: oldStore(t)}, log)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.open(t.Context(), log); err != nil {
		t.Fatal(err)
	}
	// It still logs that keys are loaded; the text may be read once it has ended.
	if err := d.giveBack(); err != nil {
		t.Fatal(err)
	}
	expectUpgrade(t, written.String())
}

func TestAnUpgradeOfTheSchemaIsToldByTheCommand(t *testing.T) {
	var talk strings.Builder
	f := targetFlags{store: oldStore(t).String()}
	found, err := f.find(t.Context(), &talk)
	if err != nil {
		t.Fatal(err)
	}
	if err := found.close(); err != nil {
		t.Fatal(err)
	}
	expectUpgrade(t, talk.String())
}

func expectUpgrade(t *testing.T, text string) {
	t.Helper()
	for _, want := range []string{"upgrading schema 4 to 5: 2 users, 10 keys", "upgraded schema 4 to 5 in "} {
		if strings.Count(text, want) != 1 {
			t.Errorf("'%s' is not told once:\n%s", want, text)
		}
	}
}
