package roster_test

import (
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/sallyport/sallyport/internal/plugin/roster"
)

func TestTheLatestIsTheOneThatWasConfiguredLast(t *testing.T) {
	var r roster.Roster[*int]
	expect := func(want *int) {
		t.Helper()
		if got := r.Latest(); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	first, second, failed := new(int), new(int), new(int)
	expect(nil)
	r.Enter(first)
	expect(first)
	r.Enter(failed)
	expect(failed)
	r.Leave(failed)
	expect(first)
	r.Enter(second)
	r.Leave(first)
	expect(second)
	r.Leave(second)
	expect(nil)
}

type share struct{ name string }

// Destruct is what a pool asks of what it holds.
func (*share) Destruct() error { return nil }

func TestSharesAreThoseOfAKind(t *testing.T) {
	pool := caddy.NewUsagePool()
	for _, name := range []string{"a", "b"} {
		if _, _, err := pool.LoadOrNew(name, func() (caddy.Destructor, error) { return &share{name}, nil }); err != nil {
			t.Fatal(err)
		}
	}
	if all := roster.Shares[*share](pool); len(all) != 2 || all[0].name == all[1].name {
		t.Errorf("%v", all)
	}
	if all := roster.Shares[*int](pool); all != nil {
		t.Errorf("%v", all)
	}
}
