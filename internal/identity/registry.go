package identity

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/singleflight"

	"github.com/sallyport/sallyport/internal/atomicfile"
	"github.com/sallyport/sallyport/internal/brake"
	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/password"
	"github.com/sallyport/sallyport/internal/store"
)

// Config says where a Registry has its things.
type Config struct {
	// Location is that of the store.
	Location store.Location
	// PepperFile holds the pepper. Empty means the file `pepper` beside the
	// database.
	PepperFile string
	// Create makes the store, and its pepper, if there is neither.
	Create bool
	// Adopt lets Create make a store for a pepper that is there already.
	// Without it that is an error: more likely the store has been lost, or its
	// disk is not mounted.
	Adopt bool
	// CreateDir makes the store's directory as well, with mode 0700.
	CreateDir bool
	// Settings may be changed later, by Registry.Use.
	Settings
	// Hashing says how passwords are hashed; its zero value is the default.
	Hashing password.Config

	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Random is the source of ids and secrets; nil means crypto/rand.Reader.
	Random io.Reader
	// Observe is told how long the store took for an operation: look (whether
	// something has changed) or change. Nil means that nobody wants to know.
	Observe func(operation string, took time.Duration)
	// Upgrade is told how an upgrade of the store's schema goes on. Nil means
	// that nobody wants to know.
	Upgrade func(store.Upgrade)
}

// Settings are what may change while a Registry is open.
type Settings struct {
	// KeyPrefix begins the keys that are issued. Empty means
	// credential.DefaultPrefix.
	KeyPrefix string
	// Brakes slow down guessing.
	Brakes Brakes
	// Passwords is what a password must satisfy when it is set.
	Passwords password.Policy
	// CommonFile is a file of passwords that cannot be set, which Load reads.
	// Empty means the list in this program.
	CommonFile string
}

// Load reads the list of common passwords, if a file is named.
func (s *Settings) Load() error {
	if s.CommonFile == "" {
		return nil
	}
	file, err := os.Open(s.CommonFile)
	if err != nil {
		return fmt.Errorf("list of common passwords: %w", err)
	}
	defer file.Close()
	if s.Passwords.Common, err = password.ParseList(file); err != nil {
		return fmt.Errorf("list of common passwords '%s': %w", s.CommonFile, err)
	}
	return nil
}

// Check reports whether the settings can be meant.
func (s *Settings) Check() error {
	return errors.Join(credential.CheckPrefix(cmp.Or(s.KeyPrefix, credential.DefaultPrefix)), s.Brakes.Check())
}

// Registry changes users and keys. It may be used by many goroutines at once.
type Registry struct {
	store   *store.Store
	peppers peppers
	now     func() time.Time
	random  io.Reader

	observe func(string, time.Duration)

	settings atomic.Pointer[Settings]
	hasher   *password.Hasher
	// proofs makes one of equal attempts at the same time.
	proofs singleflight.Group
	// proving are all attempts, lagging those that wait because their names fail
	// often.
	proving    places
	lagging    places
	lockEvents lockEvents
	// keyLogIns counts log-ins by each key.
	keyLogIns *brake.Counter[credential.KeyID]
	// sleep waits, and reports whether the time has passed before the context
	// ended.
	sleep func(context.Context, time.Duration) bool

	// life ends with Close, and with it the proofs that nobody waits for.
	life context.Context
	end  context.CancelFunc

	// committed is called after each change, before it is acknowledged.
	committed func(context.Context)
	// settle writes what is known of secrets that are to be moved.
	settle func(context.Context)
	// clockTrusted reports whether the clock was not set a short while ago, as far
	// as anybody has looked.
	clockTrusted func() bool
	// moved looks for a token under the ids that it got after this one.
	moved   func(id credential.KeyID, there func(credential.KeyID) bool) bool
	created bool
}

// ErrRevoked: the key was revoked, which is for ever.
var ErrRevoked = errors.New("is revoked; issue a new one")

// DefaultPepperFile is where the pepper of a store is if nothing else is said.
func DefaultPepperFile(l store.Location) string {
	return filepath.Join(filepath.Dir(l.Path), "pepper")
}

// Open opens the registry, and makes store and pepper if there is no store and
// c.Create is set. The pepper is made only with a new store: one that is missing
// beside a store in use is an error, since with another one no key would fit.
func Open(ctx context.Context, c Config) (*Registry, error) {
	r := &Registry{
		now: c.Now, random: c.Random, observe: c.Observe,
		hasher:    password.NewHasher(c.Hashing),
		proving:   places{most: math.MaxInt},
		lagging:   places{most: maxLagging, mostThere: maxLaggingThere},
		keyLogIns: brake.New[credential.KeyID](),
		sleep:     sleep,
		committed: func(context.Context) {},
		settle:    func(context.Context) {},

		clockTrusted: func() bool { return true },
		moved:        func(credential.KeyID, func(credential.KeyID) bool) bool { return false },
	}
	r.proving.mostThere = maxProvingThere * r.hasher.Parallel()
	if err := c.Load(); err != nil {
		return nil, err
	}
	if err := r.Use(c.Settings); err != nil {
		return nil, err
	}
	if r.observe == nil {
		r.observe = func(string, time.Duration) {}
	}
	if r.now == nil {
		r.now = time.Now
	}
	if r.random == nil {
		r.random = rand.Reader
	}
	if c.PepperFile == "" {
		c.PepperFile = DefaultPepperFile(c.Location)
	}
	if err := r.open(ctx, c); err != nil {
		return nil, err
	}
	r.life, r.end = context.WithCancel(context.Background())
	return r, nil
}

func (r *Registry) open(ctx context.Context, c Config) error {
	// The pepper is looked for before its store: one that gets its name later
	// belongs to a store that another process makes.
	_, err := os.Stat(c.PepperFile)
	alone := err == nil
	_, err = os.Stat(c.Location.Path)
	missing := errors.Is(err, fs.ErrNotExist)
	if missing {
		if err := c.mayCreate(alone); err != nil {
			return err
		}
	}
	r.peppers.file, r.peppers.replace = c.PepperFile, atomicfile.Replace
	peppers, err := loadPeppers(c.PepperFile, missing, r.random)
	if err != nil {
		return err
	}
	if missing {
		err := store.Create(ctx, c.Location, peppers.Newest().Fingerprint(), r.now)
		if errors.Is(err, fs.ErrExist) {
			// Another process was faster, maybe before there was our draft.
			peppers, err = loadPeppers(c.PepperFile, false, r.random)
		} else {
			r.created = err == nil
		}
		if err != nil {
			return err
		}
	}
	if err := r.openStore(ctx, c, peppers); err != nil {
		return err
	}
	if err := keepPeppers(c.PepperFile, peppers); err != nil {
		return errors.Join(err, r.store.Close())
	}
	if err := r.peppers.read(ctx, r.store); err != nil {
		return errors.Join(err, r.store.Close())
	}
	r.peppers.sweepAtStart(ctx, r.store, r.now())
	if err := r.expectImported(ctx); err != nil {
		return errors.Join(err, r.store.Close())
	}
	return nil
}

// openStore opens the store. If another process has changed the pepper since the
// file was read, it is read again.
func (r *Registry) openStore(ctx context.Context, c Config, peppers *credential.Peppers) (err error) {
	for {
		before := peppers.Fingerprints()
		r.store, err = store.Open(ctx, c.Location, store.Options{Fingerprints: before, Now: r.now, Upgrade: c.Upgrade})
		if !errors.Is(err, store.ErrPepper) {
			return err
		}
		wrong := r.peppers.explain(err)
		if peppers, err = loadPeppers(c.PepperFile, false, r.random); err != nil {
			return err
		}
		if slices.Equal(peppers.Fingerprints(), before) {
			return wrong
		}
	}
}

// expectImported tells the hasher if there are imported hashes in the store.
func (r *Registry) expectImported(ctx context.Context) error {
	imported, err := r.store.AnyPassword(ctx, password.ImportedPrefix)
	if imported {
		r.hasher.ExpectImported()
	}
	if err != nil {
		return err
	}
	return r.store.ImportedHashes(ctx, password.BcryptPrefix, r.hasher.ExpectBcrypt)
}

// mayCreate reports whether a store may be made, where a pepper may be alone, and
// makes its directory if that is wanted.
func (c *Config) mayCreate(alone bool) error {
	if !c.Create {
		return fmt.Errorf("%w at %s", store.ErrNoStore, c.Location)
	}
	if alone && !c.Adopt {
		return fmt.Errorf("%w at %s, but its pepper is there, in '%s': mount its disk or put back a backup; to begin with an empty store make it by `caddy auth store info --create`", store.ErrNoStore, c.Location, c.PepperFile)
	}
	dir := filepath.Dir(c.Location.Path)
	if c.CreateDir {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("store %s cannot be made: %w", c.Location, err)
		}
	}
	if _, err := os.Stat(dir); err != nil {
		return fmt.Errorf("store %s cannot be made: %w; make its directory, owned by the server's user, with mode 0700", c.Location, err)
	}
	return nil
}

// Use changes the settings, for all that begins from now on.
func (r *Registry) Use(s Settings) error {
	if err := s.Check(); err != nil {
		return err
	}
	s.KeyPrefix = cmp.Or(s.KeyPrefix, credential.DefaultPrefix)
	s.Brakes = s.Brakes.withDefaults()
	r.settings.Store(&s)
	return nil
}

// Hashing tells how busy the hashing of passwords is.
func (r *Registry) Hashing() password.Stats { return r.hasher.Stats() }

// Created reports whether Open has made the store.
func (r *Registry) Created() bool { return r.created }

// Close closes the store, and ends what still goes on. A nil Registry may be
// closed.
func (r *Registry) Close() error {
	if r == nil {
		return nil
	}
	r.end()
	return r.store.Close()
}

// Info describes a store.
type Info struct {
	Store    string `json:"store"`
	Schema   int64  `json:"schema"`
	Pepper   string `json:"pepper_fingerprint"`
	KeyBegin string `json:"key_prefix"`
	store.Counts
}

// Info describes the registry's store.
func (r *Registry) Info(ctx context.Context) (Info, error) {
	schema, err := r.store.Schema(ctx)
	if err != nil {
		return Info{}, err
	}
	counts, err := r.store.Count(ctx)
	pepper, _ := r.peppers.newest()
	return Info{
		Store:    r.store.Location().String(),
		Schema:   schema,
		Pepper:   pepper.Fingerprint(),
		KeyBegin: r.settings.Load().KeyPrefix,
		Counts:   counts,
	}, err
}

// Check reads the whole store and returns what is wrong with it, in the engine's
// words; none if it is sound. The error is that it cannot be read at all.
func (r *Registry) Check(ctx context.Context) ([]string, error) {
	return r.store.Check(ctx)
}

// Events lists the last events of the audit trail, the newest first.
func (r *Registry) Events(ctx context.Context, limit int) ([]store.Event, error) {
	return r.store.Events(ctx, limit)
}

// change runs f in a transaction together with its audit event, and makes
// memory follow before it returns.
func (r *Registry) change(ctx context.Context, event store.Event, f func(*store.Change, *store.Event) error) error {
	if event.Actor == "" {
		return invalid("the actor is missing: say who is asking")
	}
	if err := checkText("actor", event.Actor, maxActor); err != nil {
		return err
	}
	return r.changeAs(ctx, event, f)
}

// maxActor is as long as an actor may be, in bytes: `user:` and a name of 64
// characters of four bytes fit into it.
const maxActor = 300

// changeAs is change for an actor who becomes known within it. If a pepper has gone
// that f has used, since another process has put back a backup, f is run once more
// with those that the store has now.
func (r *Registry) changeAs(ctx context.Context, event store.Event, f func(*store.Change, *store.Event) error) error {
	start := time.Now()
	id, err := r.newID()
	if err != nil {
		return err
	}
	event.ID, event.Time, event.Outcome = id, r.now(), "ok"
	try := func() error {
		e := event
		return r.store.Change(ctx, func(c *store.Change) error {
			if err := f(c, &e); err != nil {
				return err
			}
			return c.Record(&e)
		})
	}
	err = try()
	if errors.Is(err, store.ErrPepperGone) {
		if err = r.peppers.read(ctx, r.store); err == nil {
			err = try()
		}
	}
	if err != nil {
		return err
	}
	// The change is on disk. Whoever asked for it may be gone, but memory must
	// follow all the same.
	r.committed(context.WithoutCancel(ctx))
	r.observe("change", time.Since(start))
	return nil
}

// newID makes a UUIDv7.
func (r *Registry) newID() (string, error) {
	id, err := uuid.NewV7FromReader(r.random)
	if err != nil {
		return "", fmt.Errorf("making an id: %w", err)
	}
	return id.String(), nil
}
