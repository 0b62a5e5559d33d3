package manykeys

import (
	"context"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
)

// Fate is what has become of a key.
type Fate string

// The fates of keys. Of a hundred, 58 are Plain and 30 Ending.
const (
	// Plain keys have no end and are bound to nothing.
	Plain Fate = "plain"
	// Ending keys end in a year.
	Ending Fate = "ending"
	// Bound keys are bound to Network, and half of them to UserAgent too.
	Bound Fate = "bound"
	// Rotated keys have a previous secret that is still accepted for a day.
	Rotated  Fate = "rotated"
	Revoked  Fate = "revoked"
	Disabled Fate = "disabled"
	Expired  Fate = "expired"
)

// Network and UserAgent are what Bound keys are bound to.
const (
	Network   = "192.0.2.0/24"
	UserAgent = "collector/1.0"
)

const (
	day  = 24 * time.Hour
	year = 365 * day
)

// fateOf spreads the fates over the keys.
func fateOf(i int) Fate {
	switch i % 100 {
	case 3, 41, 77:
		return Revoked
	case 11:
		return Disabled
	case 23, 61:
		return Expired
	case 29, 71:
		return Rotated
	case 37, 53, 83, 97:
		return Bound
	}
	if i%10 < 3 {
		return Ending
	}
	return Plain
}

func userID(i int) string   { return fmt.Sprintf("0190a5c0-0000-7000-8000-%012d", i) }
func username(i int) string { return fmt.Sprintf("user-%06d", i) }

func (f *filler) users(ctx context.Context) error {
	created := f.plan.Now.Add(-2 * year).UnixMicro()
	f.written += f.plan.Users
	return f.insert(ctx, f.plan.Users, `INSERT INTO users (id, username, username_fold, state, roles, groups, created, updated)
		VALUES (?, ?, ?, 'active', ?, '["soc"]', ?, ?)`, func(i int) ([]any, error) {
		roles := `["analyst"]`
		if i%100 == 0 {
			roles = `["analyst","admin"]`
		}
		return []any{userID(i), username(i), username(i), roles, created, created}, nil
	})
}

func (f *filler) keys(ctx context.Context) error {
	statement := `INSERT INTO api_keys (id, user_id, name, prefix, verifier, pepper_id, previous_verifier, previous_expires,
		scopes, networks, user_agent, expires, disabled, revoked, created, created_by, last_used)
		VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'os:root', ?)`
	f.written += f.plan.Keys
	if err := f.insert(ctx, f.plan.Keys, statement, f.key); err != nil {
		return err
	}
	if f.plan.Schema != 0 && f.plan.Schema < 3 {
		return nil
	}
	_, err := f.tx.ExecContext(ctx, `UPDATE api_keys SET previous_pepper_id = 1 WHERE previous_verifier IS NOT NULL`)
	return err
}

// scopes are in the order in which keys take turns with them.
var scopes = []string{`["read"]`, `["read"]`, `["read","write"]`, `["read","write","extended"]`}

// key makes a key and gives its columns.
func (f *filler) key(i int) ([]any, error) {
	k := Key{User: username(i % f.plan.Users), Name: fmt.Sprintf("key-%d", i/f.plan.Users), Fate: fateOf(i)}
	id, err := credential.NewKeyID(f.random)
	if err != nil {
		return nil, err
	}
	k.ID = id.String()
	verifier, err := f.word(id, &k.Word)
	if err != nil {
		return nil, err
	}
	at := func(d time.Duration) int64 { return f.plan.Now.Add(d).UnixMicro() }
	var previous, previousExpires, expires, disabled, revoked, used any
	networks, agent := `[]`, ``
	switch k.Fate {
	case Plain:
	case Ending:
		expires = at(year)
	case Expired:
		expires = at(-day)
	case Disabled:
		disabled = at(-day)
	case Revoked:
		revoked = at(-day)
	case Bound:
		networks = `["` + Network + `"]`
		if i%8 == 5 {
			agent = UserAgent
		}
	case Rotated:
		if previous, err = f.word(id, &k.Previous); err != nil {
			return nil, err
		}
		previousExpires = at(day)
	}
	if i%2 == 0 {
		used = at(-time.Hour)
	}
	if chosen(i, f.plan.Keys, f.plan.Words) {
		f.made.Keys = append(f.made.Keys, k)
	}
	return []any{
		k.ID, userID(i % f.plan.Users), k.Name, credential.DefaultPrefix, verifier, previous, previousExpires,
		scopes[i%len(scopes)], networks, agent, expires, disabled, revoked, at(-year), used,
	}, nil
}

// word makes a word of a key and gives its verifier.
func (f *filler) word(id credential.KeyID, word *string) ([]byte, error) {
	secret, err := credential.NewKey(f.random, credential.DefaultPrefix, id)
	if err != nil {
		return nil, err
	}
	*word = secret.Reveal()
	v := f.made.Pepper.Verifier(*word)
	return v[:], nil
}

// chosen picks n of all, evenly.
func chosen(i, all, n int) bool { return i*n/all != (i+1)*n/all }

// kinds are the kinds of tokens, which take turns.
var kinds = []credential.TokenKind{credential.AppToken, credential.BareToken, credential.SessionToken}

func sessionID(i int) string { return fmt.Sprintf("0190a5c1-0000-7000-8000-%012d", i) }

func (f *filler) sessions(ctx context.Context) error {
	if f.plan.Tokens == 0 {
		return nil
	}
	created := f.plan.Now.Add(-time.Hour).UnixMicro()
	err := f.insert(ctx, f.plan.Tokens, `INSERT INTO sessions (id, user_id, method, scopes, address, created)
		VALUES (?, ?, 'password', '["read","write"]', '192.0.2.7', ?)`, func(i int) ([]any, error) {
		return []any{sessionID(i), userID(i % f.plan.Users), created}, nil
	})
	if err != nil {
		return err
	}
	f.written += f.plan.Tokens
	return f.insert(ctx, f.plan.Tokens, `INSERT INTO tokens (id, session_id, kind, verifier, pepper_id, expires, idle, last_used)
		VALUES (?, ?, ?, ?, 1, ?, ?, ?)`, f.token)
}

// token makes a token and gives its columns.
func (f *filler) token(i int) ([]any, error) {
	t := Token{Kind: kinds[i%len(kinds)]}
	word, err := credential.NewToken(f.random, t.Kind, username(i%f.plan.Users))
	if err != nil {
		return nil, err
	}
	t.Word = word.Reveal()
	verifier := f.made.Pepper.Verifier(t.Word)
	if chosen(i, f.plan.Tokens, f.plan.Words) {
		f.made.Tokens = append(f.made.Tokens, t)
	}
	return []any{
		verifier.ID().String(), sessionID(i), string(t.Kind), verifier[:],
		f.plan.Now.Add(year).UnixMicro(), (30 * day).Microseconds(), f.plan.Now.UnixMicro(),
	}, nil
}
