package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// files are what a run keeps in its directory.
type files struct {
	dir   string
	store string
	// good has keys that are accepted, bad has as many that were never issued,
	// tokens has app tokens, one a line.
	good, bad, tokens string
	// cced is the daemon's socket. It is the stand-in's if it is not realCced.
	cced     string
	realCced bool
	// upstream is the socket that reverse_proxy asks, and answer what it gets.
	upstream, answer string
	// findX, getAll and get are bodies of requests.
	findX, getAll, get string
}

func filesIn(dir string) *files {
	in := func(name string) string { return filepath.Join(dir, name) }
	socket, given := os.LookupEnv("CCED_SOCKET")
	return &files{
		dir: dir, store: in("auth.db"), good: in("good"), bad: in("bad"), tokens: in("tokens"),
		cced: cmp.Or(socket, in("cced")), realCced: given && socket != "",
		upstream: in("upstream"), answer: in("answer"), findX: in("findx"), getAll: in("getall"), get: in("get"),
	}
}

// prepare makes a store with that many keys, and the files of keys.
func (f *files) prepare(ctx context.Context, keys int) error {
	location, err := store.NewLocation("sqlite", f.store)
	if err != nil {
		return err
	}
	registry, err := identity.Open(ctx, identity.Config{Location: location, Create: true})
	if err != nil {
		return err
	}
	good, err := issue(ctx, registry, keys)
	var tokens []string
	if err == nil {
		tokens, err = logIn(ctx, registry, keys)
	}
	if err := errors.Join(err, registry.Close()); err != nil {
		return err
	}
	bad, err := madeUp(keys)
	if err != nil {
		return err
	}
	if err := os.WriteFile(f.good, []byte(strings.Join(good, "\n")), 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(f.tokens, []byte(strings.Join(tokens, "\n")), 0o600); err != nil {
		return err
	}
	return os.WriteFile(f.bad, []byte(strings.Join(bad, "\n")), 0o600)
}

// logIn begins a session of alice with that many app tokens.
func logIn(ctx context.Context, registry *identity.Registry, tokens int) ([]string, error) {
	password := rand.Text()
	if _, err := registry.SetPassword(ctx, "bench", "alice", password); err != nil {
		return nil, err
	}
	token := identity.NewToken{Kind: credential.AppToken, Lifetime: principal.Lifetime{Absolute: 24 * time.Hour}}
	_, secrets, err := registry.LogInByPassword(ctx, identity.Attempt{Username: "alice", Password: password},
		identity.NewSession{Tokens: slices.Repeat([]identity.NewToken{token}, tokens)})
	words := make([]string, len(secrets))
	for i, secret := range secrets {
		words[i] = secret.Reveal()
	}
	return words, err
}

// issue makes keys for a user with roles and groups.
func issue(ctx context.Context, registry *identity.Registry, keys int) ([]string, error) {
	const actor = "bench"
	user := identity.NewUser{Username: "alice", Roles: []string{"analyst", "admin"}, Groups: []string{"soc"}}
	if _, err := registry.AddUser(ctx, actor, user); err != nil {
		return nil, err
	}
	words := make([]string, keys)
	for i := range words {
		_, word, err := registry.IssueKey(ctx, actor, identity.NewKey{
			Username: user.Username, Name: fmt.Sprintf("key-%d", i), Scopes: principal.AllScopes,
		})
		if err != nil {
			return nil, err
		}
		words[i] = word.Reveal()
	}
	return words, nil
}

// madeUp makes keys of the right form, with a right checksum, that nobody has
// issued.
func madeUp(keys int) ([]string, error) {
	words := make([]string, keys)
	for i := range words {
		id, err := credential.NewKeyID(rand.Reader)
		if err != nil {
			return nil, err
		}
		word, err := credential.NewKey(rand.Reader, credential.DefaultPrefix, id)
		if err != nil {
			return nil, err
		}
		words[i] = word.Reveal()
	}
	return words, nil
}
