// Package manykeys makes stores of very many keys, for tests and for bench. A
// million of them take seconds, not the ten minutes that issuing them would.
//
//	made, err := manykeys.Make(ctx, filepath.Join(dir, "auth.db"), manykeys.Plan{Keys: 1_000_000, Users: 1000})
//
// The rows are written as statements of the schema and not by the functions of the
// server, so that stores of older schemas can be made too. They are what the
// server would have written: each key has the verifier of a real word under the
// pepper beside the store, and the words of some are given back.
package manykeys

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"time"

	"github.com/sallyport/sallyport/internal/atomicfile"
	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/store"
)

// Plan says what a store is to hold.
type Plan struct {
	// Keys is how many there are, of Users users who take turns.
	Keys, Users int
	// Tokens is how many tokens there are, each of a session of its own.
	Tokens int
	// Words is how many keys' words are given back, spread evenly over all of
	// them, and as many tokens' words.
	Words int
	// Schema is that of the store; 0 is the newest. Schema 1 has no tokens.
	Schema int64
	// Now is when the store is made; keys began before it, and end after or
	// before it.
	Now time.Time
}

// Made is a store and what is known of it.
type Made struct {
	// Location is the store's. The pepper lies beside it, in the file `pepper`.
	Location store.Location
	Pepper   *credential.Pepper
	// Keys and Tokens are some of those in the store.
	Keys   []Key
	Tokens []Token
}

// Key is a key whose word is known.
type Key struct {
	ID, User, Name string
	Fate           Fate
	Word           string
	// Previous is the word that a rotation has replaced, "" without one.
	Previous string
}

// Token is a token whose word is known. It is accepted.
type Token struct {
	Kind credential.TokenKind
	Word string
}

// Make makes the store of the plan at path, where there must be none, and its
// pepper. The same plan gives the same store each time.
func Make(ctx context.Context, path string, p Plan) (*Made, error) {
	l, err := store.NewLocation("sqlite", path)
	if err != nil {
		return nil, err
	}
	random := rand.NewChaCha8([32]byte{1})
	pepper, err := credential.NewPepper(random)
	if err != nil {
		return nil, err
	}
	if err := atomicfile.WriteNew(filepath.Join(filepath.Dir(l.Path), "pepper"), []byte(pepper.Text().Reveal()+"\n")); err != nil {
		return nil, err
	}
	if err := store.CreateSchema(ctx, l, p.Schema, pepper.Fingerprint(), func() time.Time { return p.Now }); err != nil {
		return nil, err
	}
	f := &filler{plan: p, random: random, made: &Made{Location: l, Pepper: pepper}}
	if err := f.fill(ctx); err != nil {
		return nil, fmt.Errorf("filling store %s: %w", l, err)
	}
	return f.made, nil
}

// filler writes what a plan says.
type filler struct {
	plan   Plan
	random *rand.ChaCha8
	made   *Made
	tx     *sql.Tx
	// written is how many records there are that are kept in memory.
	written int
}

// fill writes everything in one transaction. A store that was not filled to its
// end is of no use, so it need not survive a loss of power.
func (f *filler) fill(ctx context.Context) (err error) {
	query := url.Values{"mode": {"rw"}, "_pragma": {"synchronous(OFF)", "cache_size(-262144)", "temp_store(MEMORY)"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: f.made.Location.Path, RawQuery: query.Encode()}).String())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if f.tx, err = db.BeginTx(ctx, nil); err != nil {
		return err
	}
	defer func() { _ = f.tx.Rollback() }()
	for _, write := range []func(context.Context) error{f.users, f.keys, f.sessions} {
		if err := write(ctx); err != nil {
			return err
		}
	}
	if _, err := f.tx.ExecContext(ctx, `UPDATE change_counter SET number = ?`, f.written); err != nil {
		return err
	}
	return f.tx.Commit()
}

// insert runs a statement for each of n rows, whose values row gives.
func (f *filler) insert(ctx context.Context, n int, statement string, row func(i int) ([]any, error)) error {
	prepared, err := f.tx.PrepareContext(ctx, statement)
	if err != nil {
		return err
	}
	defer prepared.Close()
	for i := range n {
		values, err := row(i)
		if err == nil {
			_, err = prepared.ExecContext(ctx, values...)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
