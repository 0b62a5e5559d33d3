package caddyauth

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/store"
)

func TestDoctorJudgesAChangeOfThePepper(t *testing.T) {
	file, err := credential.ParsePeppers([]byte(strings.Repeat("3", 64) + "\n" + strings.Repeat("2", 64) + "\n" + strings.Repeat("1", 64)))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	// peppers are those with these fingerprints, of which the newest is so old.
	peppers := func(age time.Duration, fingerprints ...string) (uses store.PepperUses) {
		for i, f := range fingerprints {
			p := store.Pepper{ID: int64(len(fingerprints) - i), Fingerprint: f, Created: now.Add(-age)}
			uses.Peppers = append(uses.Peppers, store.PepperUse{Pepper: p})
		}
		return uses
	}
	recent, middle, old := file.Fingerprints()[0], file.Fingerprints()[1], file.Fingerprints()[2]
	unfinished := func(age time.Duration, fingerprints ...string) store.PepperUses {
		uses := peppers(age, fingerprints...)
		uses.OldKeys, uses.OldTokens = 3, 1
		uses.Peppers[len(uses.Peppers)-1].Keys, uses.Peppers[len(uses.Peppers)-1].Tokens = 3, 1
		return uses
	}
	for name, test := range map[string]struct {
		status identity.PepperStatus
		want   string
	}{
		"a change that goes on":             {identity.PepperStatus{PepperUses: unfinished(29*24*time.Hour, recent, old)}, ""},
		"a change that does not end":        {identity.PepperStatus{PepperUses: unfinished(31*24*time.Hour, recent, old)}, "pepper_unfinished: the pepper was changed 2026-10-22T12:00:00Z, and 3 keys and 1 token have not been used since"},
		"a change before the last one":      {identity.PepperStatus{PepperUses: unfinished(0, recent, middle, old)}, "pepper_left_over: nothing needs the peppers " + middle + " any more"},
		"a change that has come to its end": {identity.PepperStatus{PepperUses: peppers(0, recent, old)}, "pepper_left_over: nothing needs the peppers " + old + " any more"},
		"a change that was broken off":      {identity.PepperStatus{PepperUses: peppers(0, old), LeftOver: []string{recent}}, "pepper_left_over: nothing needs the peppers " + recent + " any more"},
		"a file that lacks one":             {identity.PepperStatus{PepperUses: peppers(0, recent, "abc")}, "pepper_wrong: pepper file 'p' has the fingerprint " + strings.Join([]string{recent, middle, old}, ", ") + ", the store needs abc"},
	} {
		e := &examination{now: now, settings: identity.Config{PepperFile: "p"}}
		var got []string
		for _, f := range judgePeppers(e, file, &test.status) {
			got = append(got, f.Code+": "+f.What)
		}
		if text := strings.Join(got, "\n"); text != test.want {
			t.Errorf("%s: '%s', want '%s'", name, text, test.want)
		}
	}
}

func TestDoctorFindsPeppersThatAKilledProcessHasLeft(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, ".new-"+strings.Repeat("A", 26))
	if err := os.WriteFile(path, []byte(strings.Repeat("1", 64)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	e := &examination{now: time.Now().Add(time.Hour), settings: identity.Config{PepperFile: filepath.Join(dir, "pepper")}}
	found := checkDrafts(e)
	if len(found) != 1 || found[0].Code != "pepper_draft" || !strings.Contains(found[0].What, path) {
		t.Errorf("%v", found)
	}
}
