package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/sallyport/sallyport/internal/plural"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Upgrade is how far a step from one schema to the next one is.
type Upgrade struct {
	From, To int64
	// Users and Keys are how many there are. Nothing is known of a database
	// without a schema.
	Users, Keys int64
	// Took is the time since the step began, 0 at its beginning.
	Took time.Duration
	// Done: the step is taken, and on disk.
	Done bool
}

// String says it in a line for people.
func (u Upgrade) String() string {
	step := fmt.Sprintf("schema %d to %d", u.From, u.To)
	switch {
	case u.Done:
		return fmt.Sprintf("upgraded %s in %v", step, u.Took.Round(time.Millisecond))
	case u.Took != 0:
		return fmt.Sprintf("upgrading %s, %v so far", step, u.Took.Round(time.Second))
	}
	return fmt.Sprintf("upgrading %s: %s, %s; it may be broken off and goes on at the next start", step, plural.Of(u.Users, "user"), plural.Of(u.Keys, "key"))
}

// upgradeNews is how often a step that lasts is told of.
const upgradeNews = 2 * time.Second

// upgrade brings the schema up to date, each step in a transaction of its own:
// one that is broken off was not begun.
func (s *Store) upgrade(ctx context.Context, tell func(Upgrade)) error {
	provider, err := s.migrations()
	if err != nil {
		return err
	}
	current, err := provider.GetDBVersion(ctx)
	if err != nil {
		return s.explain(s.open.Load(), fmt.Errorf("reading the schema's number: %w", err))
	}
	if current > s.schema {
		return fmt.Errorf("%s has schema %d, this program knows %d: it was used by a newer version; run that version, or put back a backup from before the upgrade", s, current, s.schema)
	}
	for _, source := range provider.ListSources() {
		if source.Version <= current {
			continue
		}
		if err := s.step(ctx, provider, Upgrade{From: current, To: source.Version}, tell); err != nil {
			return s.explain(s.open.Load(), fmt.Errorf("upgrading the schema from %d to %d: %w", current, source.Version, err))
		}
		current = source.Version
	}
	return nil
}

// step takes one step, unless another process takes it at the same time.
func (s *Store) step(ctx context.Context, provider *goose.Provider, u Upgrade, tell func(Upgrade)) error {
	if tell == nil {
		tell = func(Upgrade) {}
	}
	if u.From > 0 {
		counts := s.open.Load().writes.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM users), (SELECT COUNT(*) FROM api_keys)`)
		if err := counts.Scan(&u.Users, &u.Keys); err != nil {
			return err
		}
	}
	return u.during(tell, func() error {
		_, err := provider.ApplyVersion(ctx, u.To, true)
		if err == nil {
			return nil
		}
		if version, again := provider.GetDBVersion(ctx); again == nil && version >= u.To {
			return nil
		}
		return err
	})
}

// during tells of a step at its beginning, while it runs, and when it is taken.
func (u Upgrade) during(tell func(Upgrade), run func() error) error {
	began := time.Now()
	tell(u)
	ended := make(chan struct{})
	var news sync.WaitGroup
	news.Go(func() {
		ticker := time.NewTicker(upgradeNews)
		defer ticker.Stop()
		for {
			select {
			case <-ended:
				return
			case <-ticker.C:
				u.Took = time.Since(began)
				tell(u)
			}
		}
	})
	err := run()
	close(ended)
	news.Wait()
	if err == nil {
		u.Took, u.Done = time.Since(began), true
		tell(u)
	}
	return err
}

// migrations gives the embedded steps, each of which goose runs in a
// transaction of its own.
func (s *Store) migrations() (*goose.Provider, error) {
	steps, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("embedded migrations: %w", err)
	}
	provider, err := goose.NewProvider(s.dialect.goose, s.open.Load().writes, steps)
	if err != nil {
		return nil, s.explain(s.open.Load(), fmt.Errorf("preparing the schema: %w", err))
	}
	return provider, nil
}

// newest is the schema that this program knows.
func newest(p *goose.Provider) int64 {
	sources := p.ListSources()
	return sources[len(sources)-1].Version
}

// Newest is the number of the last migration that this program knows.
func (s *Store) Newest() int64 { return s.schema }

// Schema is the number of the last migration in the database.
func (s *Store) Schema(ctx context.Context) (int64, error) {
	if err := s.inPlace(ctx, s.open.Load()); err != nil {
		return 0, err
	}
	provider, err := s.migrations()
	if err != nil {
		return 0, err
	}
	version, err := provider.GetDBVersion(ctx)
	return version, s.explain(s.open.Load(), err)
}

// checkSchema reports that another, newer program has upgraded the store while
// this one has it open: what the records mean now nobody here knows.
func (s *Store) checkSchema(ctx context.Context, tx *sql.Tx) error {
	var current int64
	if err := tx.QueryRowContext(ctx, `SELECT MAX(version_id) FROM goose_db_version WHERE is_applied`).Scan(&current); err != nil {
		return fmt.Errorf("reading the schema's number: %w", err)
	}
	if current > s.schema {
		return fmt.Errorf("store %s was upgraded to schema %d by a newer version while this one, which knows %d, has it open; replace this program by that version, and restart it", s.location, current, s.schema)
	}
	return nil
}
