package caddyauth

import (
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/plugin/command"
	"github.com/sallyport/sallyport/internal/store"
)

func TestARestoreTellsWhatOtherProvidersMayDoAgain(t *testing.T) {
	var talk strings.Builder
	s := &session{Run: &command.Run{Talk: &talk}}
	c := store.Comparison{Identities: []store.Returning{{ID: "1f", Name: "alice of corp", Why: "unlinked"}}, Refused: 2}
	if err := s.sayReplaced(&c, &restoreFlags{}); err != nil {
		t.Fatal(err)
	}
	want := "1 link to a provider there again:\n  alice of corp (1f): unlinked\n2 tokens of providers accepted again that had been refused\n"
	if !strings.HasSuffix(talk.String(), want) {
		t.Errorf("it says\n%s\nwant\n%s", talk.String(), want)
	}
}
