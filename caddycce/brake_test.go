package caddycce_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const tooMany = `{"status":429,"message":"too many failed log-ins"}`

// try logs in on this machine, by AUTH or by WHOAMI.
func (e *endpoint) try(t testing.TB, word, user, password string) reply {
	t.Helper()
	body, err := json.Marshal(map[string]string{"cmd": word, "user": user, "password": password})
	if err != nil {
		t.Fatal(err)
	}
	return e.local(t, string(body))
}

// asked counts the log-ins that came to cced.
func (e *endpoint) asked() (count int) {
	for _, line := range e.daemon.Lines() {
		if strings.HasPrefix(line, "AUTH ") && line != `AUTH "" ""` {
			count++
		}
	}
	return count
}

// braked holds that a log-in is refused without a question to cced, and says for
// how long.
func (e *endpoint) braked(t testing.TB, word, user, password string) {
	t.Helper()
	before := e.asked()
	r := e.try(t, word, user, password)
	r.expect(t, 429, tooMany)
	if wait, err := strconv.Atoi(r.Header.Get("Retry-After")); err != nil || wait < 1 || wait > 60 {
		t.Errorf("Retry-After is '%s'", r.Header.Get("Retry-After"))
	}
	if more := e.asked() - before; more > 0 {
		t.Errorf("cced was asked %d times", more)
	}
}

func TestBrakeOfAUser(t *testing.T) {
	for _, words := range [][]string{{"AUTH"}, {"WHOAMI"}, {"AUTH", "WHOAMI"}} {
		t.Run(strings.Join(words, " and "), func(t *testing.T) {
			e := startEndpoint(t, "auth_failures 3 60s")
			for i := range 3 {
				if r := e.try(t, words[i%len(words)], "admin", fmt.Sprint("guess ", i)); r.StatusCode != 401 {
					t.Fatalf("HTTP %d %s", r.StatusCode, r.Text)
				}
			}
			for _, word := range []string{"AUTH", "WHOAMI"} {
				e.braked(t, word, "admin", "guess")
				e.braked(t, word, "admin", "secret-1")
			}
			// The short form is the same command.
			e.local(t, `{"cmd":"AUTH \"admin\" \"secret-1\""}`).expect(t, 429, tooMany)
			// Another user is not kept out, and sessions go on.
			mary := e.session(t, "mary", "mary-pw 2")
			e.local(t, `{"cmd":"WHOAMI",`+mary+`}`).expect(t, 200, `{"status":201,"message":"GOODBYE","data":{"oid":"3"}}`)
		})
	}
}

func TestBrakeOfAnAddress(t *testing.T) {
	e := startEndpoint(t, "auth_failures 1 60s")
	// From this machine come the log-ins of many, so that twenty times as many may
	// fail; one name is refused after one.
	for i := range 20 {
		if r := e.try(t, "AUTH", fmt.Sprint("user", i), "guess"); r.StatusCode != 401 {
			t.Fatalf("user %d: HTTP %d %s", i, r.StatusCode, r.Text)
		}
	}
	e.braked(t, "AUTH", "admin", "secret-1")
	e.braked(t, "WHOAMI", "mary", "mary-pw 2")
}

// The log-in page of a program on this machine is open to more than its users.
func TestNamesThatSomebodyMakesUpKeepNobodyOut(t *testing.T) {
	e := startEndpoint(t, "auth_failures 1 60s")
	e.session(t, "mary", "mary-pw 2")
	for i := range 20 {
		if r := e.try(t, "AUTH", fmt.Sprint("user", i), "guess"); r.StatusCode != 401 {
			t.Fatalf("user %d: HTTP %d %s", i, r.StatusCode, r.Text)
		}
	}
	e.braked(t, "AUTH", "admin", "secret-1")
	e.session(t, "mary", "mary-pw 2")
	if r := e.try(t, "AUTH", "mary", "guess"); r.StatusCode != 401 {
		t.Errorf("HTTP %d %s", r.StatusCode, r.Text)
	}
	e.braked(t, "AUTH", "mary", "mary-pw 2")
}

func TestSuccessesDoNotCount(t *testing.T) {
	e := startEndpoint(t, "auth_failures 3 60s")
	for range 10 {
		e.session(t, "admin", "secret-1")
		if r := e.try(t, "WHOAMI", "admin", "secret-1"); r.StatusCode != 200 {
			t.Fatalf("HTTP %d %s", r.StatusCode, r.Text)
		}
	}
	for range 5 {
		// One that is right forgives those before it.
		for range 2 {
			if r := e.try(t, "AUTH", "admin", "typo"); r.StatusCode != 401 {
				t.Fatalf("HTTP %d %s", r.StatusCode, r.Text)
			}
		}
		e.session(t, "admin", "secret-1")
	}
}

func TestAFailureOfCcedIsNoFailureOfTheUser(t *testing.T) {
	e := startEndpoint(t, "auth_failures 2 60s")
	e.daemon.Stop()
	for range 4 {
		if r := e.try(t, "AUTH", "admin", "guess"); r.StatusCode != 502 {
			t.Fatalf("HTTP %d %s", r.StatusCode, r.Text)
		}
	}
	if err := e.daemon.Restart(); err != nil {
		t.Fatal(err)
	}
	e.session(t, "admin", "secret-1")
}

func TestGuessesAtOnceAreNoFaster(t *testing.T) {
	e := startEndpoint(t, "auth_failures 3 60s")
	statuses := make([]int, 50)
	var guesses sync.WaitGroup
	for i := range statuses {
		guesses.Go(func() {
			statuses[i] = e.try(t, []string{"AUTH", "WHOAMI"}[i%2], "admin", fmt.Sprint("guess ", i)).StatusCode
		})
	}
	guesses.Wait()
	slices.Sort(statuses)
	if want := slices.Concat(slices.Repeat([]int{401}, 3), slices.Repeat([]int{429}, 47)); !slices.Equal(statuses, want) {
		t.Errorf("%v", statuses)
	}
	if asked := e.asked(); asked != 3 {
		t.Errorf("cced was asked %d times", asked)
	}
}

// TestManyGoodLoginsAtOnceAllSucceed: those who wait for others' attempts come to
// their turn.
func TestManyGoodLoginsAtOnceAllSucceed(t *testing.T) {
	e := startEndpoint(t, "auth_failures 2 60s")
	var users sync.WaitGroup
	for range 30 {
		users.Go(func() {
			if r := e.try(t, "AUTH", "mary", "mary-pw 2"); r.StatusCode != 200 {
				t.Errorf("HTTP %d %s", r.StatusCode, r.Text)
			}
		})
	}
	users.Wait()
}

func TestFailuresOutliveAReload(t *testing.T) {
	e := startEndpoint(t, "auth_failures 2 60s")
	for range 2 {
		e.try(t, "AUTH", "admin", "guess")
	}
	e.Reload(t, e.caddyfile(t, "auth_failures 2 60s"))
	e.braked(t, "AUTH", "admin", "secret-1")
}

// TestWhoAmIByPasswordLeavesNoSession: nobody is told of it.
func TestWhoAmIByPasswordLeavesNoSession(t *testing.T) {
	e := startEndpoint(t, "")
	before := len(e.daemon.Lines())
	e.try(t, "WHOAMI", "admin", "secret-1").expect(t, 200, `{"status":201,"message":"GOODBYE","data":{"oid":"2"}}`)
	if lines := e.daemon.Lines()[before:]; !slices.Contains(lines, "ENDKEY") {
		t.Errorf("cced was asked %q", lines)
	}
}
