package store

import "context"

// Check reads the whole database and returns what is wrong with it, at most 20
// sentences of the engine's, none if it is sound. The error is that it cannot be
// read at all. It takes the longer the larger the database is; give ctx a limit.
func (s *Store) Check(ctx context.Context) ([]string, error) {
	return s.check(ctx, s.dialect.check)
}

func (s *Store) check(ctx context.Context, query string) ([]string, error) {
	scan := func(r row) (problem string, err error) { return problem, r.Scan(&problem) }
	problems, err := readAll(ctx, s, scan, query)
	if len(problems) == 1 && problems[0] == "ok" {
		problems = problems[:0]
	}
	return problems, err
}
