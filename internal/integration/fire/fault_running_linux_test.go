package fire_test

import (
	"cmp"
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// fault is what befalls a store under a running server.
type fault struct {
	// begin brings it about, and returns what ends it.
	begin func(p *patient) (end func())
	// checks go on all the while. If not they are answered for a second, and then
	// with 503.
	checks bool
	// lasts is how long they are looked at; 0 is a second and a half.
	lasts time.Duration
	// writes go on as well.
	writes bool
	// modes: it is one of modes of files, which keep root out of nothing.
	modes bool
	// log is what the log says beside the name of the file.
	log string
}

var faults = map[string]fault{
	"the file is moved away": {
		begin: func(p *patient) func() {
			p.move(p.database, p.database+".away")
			return func() { p.move(p.database+".away", p.database) }
		},
		log: "was replaced or deleted while it was open; put it back, or a backup in its place",
	},
	"the file is deleted": {
		begin: func(p *patient) func() {
			backup := p.backup()
			if err := os.Remove(p.database); err != nil {
				p.t.Fatal(err)
			}
			return func() { p.move(backup, p.database) }
		},
		log: "was replaced or deleted while it was open; put it back, or a backup in its place",
	},
	"another file is in its place, which is no store": {
		begin: func(p *patient) func() {
			p.move(p.database, p.database+".away")
			if err := os.WriteFile(p.database, []byte(strings.Repeat("no database\n", 1000)), 0o600); err != nil {
				p.t.Fatal(err)
			}
			return func() { p.move(p.database+".away", p.database) }
		},
		log: "is damaged; put back a backup",
	},
	"the file is cut off": {
		begin: func(p *patient) func() {
			whole, err := os.ReadFile(p.database)
			if err != nil {
				p.t.Fatal(err)
			}
			if err := os.Truncate(p.database, int64(len(whole)/2)); err != nil {
				p.t.Fatal(err)
			}
			return func() { p.rewrite(whole) }
		},
		log: "is damaged; put back a backup: it was cut off",
	},
	"the file is emptied": {
		begin: func(p *patient) func() {
			whole, err := os.ReadFile(p.database)
			if err != nil {
				p.t.Fatal(err)
			}
			if err := os.Truncate(p.database, 0); err != nil {
				p.t.Fatal(err)
			}
			return func() { p.rewrite(whole) }
		},
		log: "is empty: it was cut off",
	},
	"a newer program upgrades the store": {
		begin: func(p *patient) func() {
			p.execute(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)`)
			return func() { p.execute(`DELETE FROM goose_db_version WHERE version_id = 999`) }
		},
		log: "was upgraded to schema 999 by a newer version",
	},
	"the disk is full": {
		begin: func(p *patient) func() {
			info, err := os.Stat(p.database + "-wal")
			if err != nil {
				p.t.Fatal(err)
			}
			return p.limitFiles(uint64(info.Size()))
		},
		checks: true,
		log:    "cannot be read or written; see whether its disk is full or failing",
	},
	"another program has locked it for ten seconds": {
		begin:  func(p *patient) func() { return p.lock("BEGIN EXCLUSIVE", "ROLLBACK") },
		checks: true,
		lasts:  10 * time.Second,
		// Who waits behind another one is told that the store is busy.
		log: "`fuser`",
	},
	"the folder can be read only": {
		begin: func(p *patient) func() {
			files := []string{p.database, p.database + "-wal", p.database + "-shm"}
			chmod(p.t, 0o400, files...)
			chmod(p.t, 0o500, filepath.Dir(p.database))
			return func() {
				chmod(p.t, 0o700, filepath.Dir(p.database))
				chmod(p.t, 0o600, files...)
			}
		},
		checks: true,
		writes: true,
		modes:  true,
	},
	"the folder is closed to the server": {
		begin: func(p *patient) func() {
			chmod(p.t, 0, filepath.Dir(p.database))
			return func() { chmod(p.t, 0o700, filepath.Dir(p.database)) }
		},
		modes: true,
		log:   "give the server's user the right to enter its folder",
	},
}

// rewrite writes the database into the file that is there.
func (p *patient) rewrite(text []byte) {
	p.t.Helper()
	file, err := os.OpenFile(p.database, os.O_WRONLY, 0)
	if err != nil {
		p.t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.Write(text); err != nil {
		p.t.Fatal(err)
	}
}

// limitFiles lets no file of the server grow beyond a size, which is to the
// database what a full disk is.
func (p *patient) limitFiles(size uint64) (lift func()) {
	p.t.Helper()
	// The log is a file as well, and must not be cut off by it.
	if info, err := os.Stat(filepath.Join(p.dir, "log.json")); err == nil && uint64(info.Size())+64<<10 > size {
		if err := os.Truncate(filepath.Join(p.dir, "log.json"), 0); err != nil {
			p.t.Fatal(err)
		}
	}
	limit := unix.Rlimit{Cur: size, Max: unix.RLIM_INFINITY}
	var before unix.Rlimit
	if err := unix.Prlimit(p.process.Process.Pid, unix.RLIMIT_FSIZE, &limit, &before); err != nil {
		p.t.Fatal(err)
	}
	return func() {
		if err := unix.Prlimit(p.process.Process.Pid, unix.RLIMIT_FSIZE, &before, nil); err != nil {
			p.t.Error(err)
		}
	}
}

// lock begins a transaction of another program.
func (p *patient) lock(begin, end string) (unlock func()) {
	p.t.Helper()
	db, err := sql.Open("sqlite", p.database)
	if err != nil {
		p.t.Fatal(err)
	}
	ctx := context.WithoutCancel(p.t.Context())
	connection, err := db.Conn(ctx)
	if err == nil {
		_, err = connection.ExecContext(ctx, begin)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return func() {
		_, err := connection.ExecContext(ctx, end)
		if err != nil {
			p.t.Error(err)
		}
		_, _ = connection.Close(), db.Close()
	}
}

func TestTheServerOutlivesWhatBefallsItsStore(t *testing.T) {
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			p := newPatient(t, f.modes)
			before := p.must("key/list", `{"revoked":true}`)
			end := f.begin(p)
			ended := false
			defer func() {
				if !ended {
					end()
				}
			}()
			p.underFault(&f)
			ended = true
			end()
			recovered := within(t, 10*time.Second, "key and password are accepted again", func() bool {
				p.expectDead()
				return p.check(p.good).status == 200 && p.logIn().status == 200
			})
			figure(t, "%s after the fault was gone everything works again", recovered.Round(10*time.Millisecond))
			p.expectAll(before, &f)
		})
	}
}

// underFault holds all kinds of requests against what the fault allows.
func (p *patient) underFault(f *fault) {
	p.t.Helper()
	if f.checks {
		for began := time.Now(); time.Since(began) < cmp.Or(f.lasts, 1500*time.Millisecond); time.Sleep(50 * time.Millisecond) {
			p.expectDead()
			if r := p.check(p.good); r.status != 200 {
				p.t.Fatalf("a good key: %d %s", r.status, r.text)
			}
		}
	} else {
		noticed := within(p.t, 5*time.Second, "checks are answered with 503", func() bool {
			p.expectDead()
			return p.check(p.good).status == 503
		})
		figure(p.t, "checks are answered for another %s, then with 503", noticed.Round(10*time.Millisecond))
		p.expectUnavailable("a good key", p.check(p.good))
		if r := p.ask(p.admin, "GET", "/caddyauth/health/ready", "", ""); r.status != 503 || !strings.Contains(r.text, "the store cannot be read; see the log") {
			p.t.Errorf("health: %d %s", r.status, r.text)
		}
	}
	if f.writes {
		if r := p.logIn(); r.status != 200 {
			p.t.Errorf("log-in: %d %s", r.status, r.text)
		}
		return
	}
	p.expectNoWrites(f)
	within(p.t, 2*time.Second, "the log names the fault", func() bool {
		log := p.log()
		return strings.Contains(log, strings.ReplaceAll(f.log, `"`, `\"`)) && strings.Contains(log, p.database)
	})
}

// expectNoWrites asks for changes, some at the same time: none is made, and none
// waits for long.
func (p *patient) expectNoWrites(f *fault) {
	p.t.Helper()
	var asking sync.WaitGroup
	answers := make([]answer, 6)
	for i := range answers {
		asking.Go(func() {
			switch i % 3 {
			case 0:
				answers[i] = p.logIn()
			case 1:
				answers[i] = p.ask(p.site, "POST", "/api/v1/auth/apikey", `{"name":"n`+string(rune('0'+i))+`","priv":"R"}`, p.logged)
			case 2:
				answers[i] = p.perform("key/issue", `{"user":"alice","name":"n`+string(rune('0'+i))+`"}`)
			}
		})
	}
	asking.Wait()
	var longest time.Duration
	for i, r := range answers {
		longest = max(longest, r.took)
		if i%3 != 2 {
			p.expectUnavailable("a change by the site", r)
		} else if r.status != 503 || !strings.Contains(r.text, p.database) {
			p.t.Errorf("issuing by the admin API: %d %s", r.status, r.text)
		}
	}
	if longest > 12*time.Second {
		p.t.Errorf("a change was answered after %s", longest)
	}
	figure(p.t, "changes are answered with 503 after %s at most", longest.Round(time.Millisecond))
}

// expectDead presents a revoked key, which nothing may open a door for.
func (p *patient) expectDead() {
	p.t.Helper()
	if r := p.check(p.dead); r.status != 401 && r.status != 503 {
		p.t.Fatalf("a revoked key: %d %s", r.status, r.text)
	}
}

// expectAll looks whether all is there that was acknowledged, and nothing else.
func (p *patient) expectAll(before string, f *fault) {
	p.t.Helper()
	if r := p.check(p.logged); r.status != 200 {
		p.t.Errorf("the session from before: %d %s", r.status, r.text)
	}
	if r := p.check(p.dead); r.status != 401 {
		p.t.Errorf("the revoked key: %d %s", r.status, r.text)
	}
	if after := p.must("key/list", `{"revoked":true}`); !f.writes && ids(p.t, after) != ids(p.t, before) {
		p.t.Errorf("the keys are\n%s\nand were\n%s", after, before)
	}
	if r := p.check(p.issue("after")); r.status != 200 {
		p.t.Errorf("a key that was issued afterwards: %d %s", r.status, r.text)
	}
	if text := p.must("store/check", `{}`); strings.TrimSpace(text) != `{"problems":[]}` {
		p.t.Errorf("the store is not sound: %s", text)
	}
}
