package fire_test

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/store"
)

// state is what a store holds: as its tables say, or as its audit trail says.
// Every change writes both in one transaction, so they are the same, unless one
// was done by half.
type state struct {
	// Users by id, Keys by id, Sessions by id.
	Users    map[string]userState
	Keys     map[string]keyState
	Sessions map[string]sessionState
	// Number is that of the last change.
	Number int
}

type userState struct {
	Name     string
	Disabled bool
	// Epoch counts the passwords, from 1 for none.
	Epoch    int
	Password bool
}

type keyState struct {
	User    string
	Revoked bool
}

type sessionState struct {
	User, Key string
	Tokens    int
}

// trail is what the audit trail tells, in the order in which it was committed.
type trail struct {
	state
	events []store.Event
	// deeds has the events by actor, begun the sessions that ever began.
	deeds map[string]store.Event
	begun map[string]bool
	// passwords has the label of the deed that has set the password in force, by
	// name; before what was in force until then.
	passwords, before map[string]string
}

// readTrail reads the events and plays them.
func readTrail(t *testing.T, db *sql.DB) *trail {
	t.Helper()
	tr := &trail{
		state: state{Users: map[string]userState{}, Keys: map[string]keyState{}, Sessions: map[string]sessionState{}},
		deeds: map[string]store.Event{}, begun: map[string]bool{}, passwords: map[string]string{}, before: map[string]string{},
	}
	// A row takes the next rowid in the transaction that writes it.
	query(t, db, `SELECT kind, actor, user_id, key_id, detail FROM audit_events ORDER BY rowid`, func(scan func(...any) error) error {
		var e store.Event
		if err := scan(&e.Kind, &e.Actor, &e.UserID, &e.KeyID, &e.Detail); err != nil {
			return err
		}
		tr.events = append(tr.events, e)
		if !strings.HasPrefix(e.Actor, "user:") {
			tr.deeds[e.Actor] = e
		}
		return tr.play(&e)
	})
	return tr
}

// play makes the change of an event. Each changed user, key and token takes a
// number.
func (tr *trail) play(e *store.Event) error {
	u := tr.Users[e.UserID]
	switch e.Kind {
	case "user.add": // with a password, which changes the user again
		u = userState{Name: e.Detail, Epoch: 2, Password: true}
		tr.passwords[u.Name] = e.Actor
		tr.Number += 2
	case "user.password":
		u.Epoch++
		tr.before[u.Name], tr.passwords[u.Name] = tr.passwords[u.Name], e.Actor
		tr.Number++
		tr.end(func(s sessionState) bool { return s.User == e.UserID && s.Key == "" })
	case "user.disable", "user.enable":
		u.Disabled = e.Kind == "user.disable"
		tr.Number++
		tr.end(func(s sessionState) bool { return s.User == e.UserID && u.Disabled })
	case "user.unlock":
	case "key.issue":
		tr.Keys[e.KeyID] = keyState{User: e.UserID}
		tr.Number++
	case "key.revoke":
		tr.Keys[e.KeyID] = keyState{User: e.UserID, Revoked: true}
		tr.Number++
		tr.end(func(s sessionState) bool { return s.Key == e.KeyID })
	case "session.begin":
		tr.Sessions[e.Detail] = sessionState{User: e.UserID, Key: e.KeyID, Tokens: len(newSession.Tokens)}
		tr.begun[e.Detail] = true
		tr.Number += len(newSession.Tokens)
	case "session.end":
		if _, alive := tr.Sessions[e.Detail]; !alive {
			return fmt.Errorf("session %s ended without having begun, or twice", e.Detail)
		}
		delete(tr.Sessions, e.Detail)
		tr.Number += len(newSession.Tokens)
	default:
		return fmt.Errorf("nobody here does '%s'", e.Kind)
	}
	if u.Name == "" {
		return fmt.Errorf("%s of an unknown user", e.Kind)
	}
	tr.Users[e.UserID] = u
	return nil
}

func (tr *trail) end(which func(sessionState) bool) {
	for id, s := range tr.Sessions {
		if which(s) {
			delete(tr.Sessions, id)
			tr.Number += s.Tokens
		}
	}
}

// readTables reads what the tables hold.
func readTables(t *testing.T, db *sql.DB) state {
	t.Helper()
	s := state{Users: map[string]userState{}, Keys: map[string]keyState{}, Sessions: map[string]sessionState{}}
	var id string
	query(t, db, `SELECT id, username, state = 'disabled', auth_epoch, EXISTS (SELECT 1 FROM passwords WHERE user_id = users.id) FROM users`, func(scan func(...any) error) error {
		var u userState
		err := scan(&id, &u.Name, &u.Disabled, &u.Epoch, &u.Password)
		s.Users[id] = u
		return err
	})
	query(t, db, `SELECT id, user_id, revoked IS NOT NULL FROM api_keys`, func(scan func(...any) error) error {
		var k keyState
		err := scan(&id, &k.User, &k.Revoked)
		s.Keys[id] = k
		return err
	})
	query(t, db, `SELECT id, user_id, COALESCE(key_id, ''), (SELECT COUNT(*) FROM tokens WHERE session_id = sessions.id) FROM sessions`, func(scan func(...any) error) error {
		var x sessionState
		err := scan(&id, &x.User, &x.Key, &x.Tokens)
		s.Sessions[id] = x
		return err
	})
	query(t, db, `SELECT number FROM change_counter`, func(scan func(...any) error) error { return scan(&s.Number) })
	return s
}

// checkFile holds the file itself against what must hold of any store.
func checkFile(t *testing.T, db *sql.DB) {
	t.Helper()
	for what, text := range map[string]string{
		"integrity_check":                    `SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'`,
		"foreign_key_check":                  `SELECT "table" || ' ' || rowid FROM pragma_foreign_key_check`,
		"a token without its session":        `SELECT id FROM tokens WHERE session_id NOT IN (SELECT id FROM sessions)`,
		"a gap in the numbers":               `SELECT MAX(number) FROM changes HAVING COUNT(*) <> MAX(number) - MIN(number) + 1`,
		"a number that the counter has not":  `SELECT number FROM change_counter WHERE number <> (SELECT COALESCE(MAX(number), 0) FROM changes)`,
		"a change whose record is not there": `SELECT id FROM changes WHERE kind = 'key' AND id NOT IN (SELECT id FROM api_keys)`,
	} {
		query(t, db, text, func(scan func(...any) error) error {
			var found string
			if err := scan(&found); err != nil {
				return err
			}
			return errors.New(what + ": " + found)
		})
	}
}

// query calls each for every row, and fails the test on its error.
func query(t *testing.T, db *sql.DB, text string, each func(scan func(...any) error) error) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			t.Fatal(err)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

// openFile opens the database in dir as any other program would.
func openFile(t *testing.T, dir string) *sql.DB {
	t.Helper()
	name := url.URL{Scheme: "file", Path: filepath.Join(dir, "auth.db"), RawQuery: "mode=rw&_pragma=busy_timeout(5000)"}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// unacknowledged are the events that a worker was not told of.
func (tr *trail) unacknowledged(deeds []deed) []store.Event {
	told := map[string]bool{}
	for _, d := range deeds {
		told[d.Label], told[d.ID] = true, true
	}
	return slices.DeleteFunc(slices.Clone(tr.events), func(e store.Event) bool {
		return told[e.Actor] || e.Kind == "session.begin" && told[e.Detail]
	})
}
