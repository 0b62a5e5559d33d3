package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/store"
)

// fail sets the three counts of a place.
func fail(t *testing.T, s *store.Store, at store.FailurePlace, pair, name, source int, last time.Time) {
	t.Helper()
	count := func(place store.FailurePlace, n int) store.Failure {
		return store.Failure{FailurePlace: place, Count: n, Began: last.Add(-time.Second), Last: last}
	}
	change(t, s, func(c *store.Change) error {
		return c.SetFailures(&store.Failures{
			Pair:   count(at, pair),
			Name:   count(store.FailurePlace{Name: at.Name}, name),
			Source: count(store.FailurePlace{Source: at.Source}, source),
		})
	})
}

func counts(t *testing.T, s *store.Store, at store.FailurePlace) [3]int {
	t.Helper()
	r, err := s.LoginRecord(t.Context(), "nobody", at)
	if err != nil {
		t.Fatal(err)
	}
	return [3]int{r.Failures.Pair.Count, r.Failures.Name.Count, r.Failures.Source.Count}
}

func TestFailuresAreCountedInThreePlaces(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		otherName := store.FailurePlace{Name: "another name", Source: here.Source}
		elsewhere := store.FailurePlace{Name: here.Name, Source: "2001:db8::/64"}
		fail(t, s, here, 1, 2, 3, now)
		for name, test := range map[string]struct {
			at   store.FailurePlace
			want [3]int
		}{
			"the name from there":         {here, [3]int{1, 2, 3}},
			"another name from there":     {otherName, [3]int{0, 0, 3}},
			"the name from elsewhere":     {elsewhere, [3]int{0, 2, 0}},
			"another name from elsewhere": {store.FailurePlace{Name: otherName.Name, Source: elsewhere.Source}, [3]int{}},
		} {
			if got := counts(t, s, test.at); got != test.want {
				t.Errorf("%s: %v, want %v", name, got, test.want)
			}
		}
		got := record(t, s, "nobody").Failures
		want := store.Failures{
			Pair:   store.Failure{FailurePlace: here, Count: 1, Began: now.Add(-time.Second), Last: now},
			Name:   store.Failure{FailurePlace: store.FailurePlace{Name: here.Name}, Count: 2, Began: now.Add(-time.Second), Last: now},
			Source: store.Failure{FailurePlace: store.FailurePlace{Source: here.Source}, Count: 3, Began: now.Add(-time.Second), Last: now},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestACountOfZeroIsRemoved(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		before := number(t, s)
		fail(t, s, here, 1, 2, 3, now)
		fail(t, s, here, 0, 1, 3, now)
		if got := counts(t, s, here); got != [3]int{0, 1, 3} {
			t.Errorf("%v", got)
		}
		if n := failureRows(t, s); n != 2 {
			t.Errorf("%d rows are left", n)
		}
		if number(t, s) != before {
			t.Error("failures count as changes")
		}
	})
}

func failureRows(t *testing.T, s *store.Store) (n int) {
	t.Helper()
	if err := plain(t, s.Location()).QueryRowContext(t.Context(), `SELECT COUNT(*) FROM login_failures`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestForgetFailuresIsAboutOneName(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		elsewhere := store.FailurePlace{Name: here.Name, Source: "2001:db8::/64"}
		otherName := store.FailurePlace{Name: "another name", Source: here.Source}
		fail(t, s, here, 5, 10, 5, now)
		fail(t, s, elsewhere, 5, 10, 5, now)
		fail(t, s, otherName, 1, 1, 6, now)
		change(t, s, func(c *store.Change) error {
			n, err := c.ForgetFailures(here.Name)
			if n != 3 {
				t.Errorf("%d places are forgotten, want 3", n)
			}
			return err
		})
		if got := counts(t, s, here); got != [3]int{0, 0, 6} {
			t.Errorf("of the name: %v", got)
		}
		if got := counts(t, s, otherName); got != [3]int{1, 1, 6} {
			t.Errorf("of another one: %v", got)
		}
	})
}

func TestSweepFailuresKeepsTheNewest(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		place := func(i int) store.FailurePlace {
			return store.FailurePlace{Name: fmt.Sprint("name", i), Source: "192.0.2.0/24"}
		}
		for i := range 10 {
			// Only the pairs count: the other two places have none.
			fail(t, s, place(i), 1, 0, 0, now.Add(time.Duration(i)*time.Minute))
		}
		for _, test := range []struct {
			before time.Time
			keep   int
			left   int
		}{
			{now, 10, 10},
			{now.Add(time.Minute), 10, 9},
			{now, 8, 8},
			{now, 3, 3},
			{now.Add(time.Hour), 3, 0},
			{now, 3, 0},
		} {
			change(t, s, func(c *store.Change) error { return c.SweepFailures(test.before, test.keep) })
			if n := failureRows(t, s); n != test.left {
				t.Errorf("keeping %d since %s leaves %d, want %d", test.keep, test.before.Format(time.TimeOnly), n, test.left)
			}
			if newest := counts(t, s, place(9))[0]; test.left > 0 && newest != 1 {
				t.Error("the newest one is gone")
			}
		}
	})
}

func TestFailingListsTheNewestFirst(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		for i, pair := range []int{5, 4, 7, 5} {
			fail(t, s, store.FailurePlace{Name: fmt.Sprint(i), Source: "192.0.2.0/24"}, pair, 0, 0, now.Add(time.Duration(i)*time.Second))
		}
		names := func(count int, since time.Time, limit int) (names []string) {
			list, err := s.Failing(t.Context(), count, since, limit)
			if err != nil {
				t.Fatal(err)
			}
			for i := range list {
				names = append(names, list[i].Name)
			}
			return names
		}
		for name, test := range map[string]struct{ got, want []string }{
			"five failures":      {names(5, now.Add(-time.Hour), 10), []string{"3", "2", "0"}},
			"six failures":       {names(6, now.Add(-time.Hour), 10), []string{"2"}},
			"after the first":    {names(5, now, 10), []string{"3", "2"}},
			"the two newest":     {names(5, now.Add(-time.Hour), 2), []string{"3", "2"}},
			"a hundred failures": {names(100, now.Add(-time.Hour), 10), nil},
		} {
			if diff := cmp.Diff(test.want, test.got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	})
}
