package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
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
	// tokens has app tokens and bare those without a user's name, as clients of
	// IntelMQ get them, one a line. password has what alice sends as Basic, and
	// impersonating the header by which she acts as bob.
	good, bad, tokens, bare, password, impersonating string
	// cced is the daemon's socket. It is the stand-in's if it is not realCced.
	cced     string
	realCced bool
	// upstream is the socket that reverse_proxy asks, and answer what it gets.
	upstream, answer string
	// findX, getAll and get are bodies of requests.
	findX, getAll, get string
	// floods is the socket at which floods are begun and ended.
	floods string
	// botnet is the folder of the stand-in for intelmqctl.
	botnet string
	// asked is the address of the server that forward_auth asks; empty if the
	// peers are not measured.
	asked string
}

func filesIn(dir string) *files {
	in := func(name string) string { return filepath.Join(dir, name) }
	socket, given := os.LookupEnv("CCED_SOCKET")
	return &files{
		dir: dir, store: in("auth.db"), good: in("good"), bad: in("bad"), tokens: in("tokens"), bare: in("bare"), password: in("password"), impersonating: in("impersonating"),
		cced: cmp.Or(socket, in("cced")), realCced: given && socket != "",
		upstream: in("upstream"), floods: in("floods"), answer: in("answer"), findX: in("findx"), getAll: in("getall"), get: in("get"),
		botnet: in("botnet"),
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
	password := rand.Text()
	var tokens, bare []string
	if err == nil {
		tokens, bare, err = logIn(ctx, registry, password, keys)
	}
	var impersonating string
	if err == nil {
		impersonating, err = letAct(ctx, registry)
	}
	if err := errors.Join(err, registry.Close()); err != nil {
		return err
	}
	bad, err := madeUp(keys)
	if err != nil {
		return err
	}
	lines := func(path string, words []string) error {
		return os.WriteFile(path, []byte(strings.Join(words, "\n")), 0o600)
	}
	return errors.Join(lines(f.good, good), lines(f.bad, bad), lines(f.tokens, tokens), lines(f.bare, bare),
		lines(f.password, []string{basic(password)}), lines(f.impersonating, []string{impersonating}))
}

// basic is what alice sends with a password.
func basic(password string) string {
	return base64.StdEncoding.EncodeToString([]byte("alice:" + password))
}

// letAct adds the user bob with a key by which alice acts as him, and gives the header
// that she sends for it.
func letAct(ctx context.Context, registry *identity.Registry) (header string, err error) {
	const actor = "bench"
	if _, err := registry.AddUser(ctx, actor, identity.NewUser{Username: "bob"}); err != nil {
		return "", err
	}
	_, key, err := registry.IssueKey(ctx, actor, identity.NewKey{
		Username: "bob", Name: "support", Scopes: principal.Read, Impersonation: true, Agents: []string{"alice"},
	})
	if err != nil {
		return "", err
	}
	return credential.ImpersonatingHeader + ": Basic " + base64.StdEncoding.EncodeToString([]byte("bob:support:"+key.Reveal())), nil
}

// logIn gives alice a password, and begins a session of hers with that many tokens of
// each kind.
func logIn(ctx context.Context, registry *identity.Registry, password string, tokens int) (app, bare []string, err error) {
	if _, err := registry.SetPassword(ctx, "bench", "alice", password); err != nil {
		return nil, nil, err
	}
	of := func(kind credential.TokenKind) []identity.NewToken {
		token := identity.NewToken{Kind: kind, Lifetime: principal.Lifetime{Absolute: 24 * time.Hour}}
		return slices.Repeat([]identity.NewToken{token}, tokens)
	}
	_, secrets, err := registry.LogInByPassword(ctx, identity.Attempt{Username: "alice", Password: password},
		identity.NewSession{Tokens: slices.Concat(of(credential.AppToken), of(credential.BareToken))})
	if err != nil {
		return nil, nil, err
	}
	words := make([]string, len(secrets))
	for i, secret := range secrets {
		words[i] = secret.Reveal()
	}
	return words[:tokens], words[tokens:], nil
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
