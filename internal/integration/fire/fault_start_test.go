package fire_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// refusals are what keeps a server from starting, and what it says then: which
// file it is, and what to do.
var refusals = map[string]struct {
	spoil func(p *patient, pepper string)
	want  []string
}{
	"the folder can be read only": {
		func(p *patient, _ string) { chmod(p.t, 0o500, filepath.Dir(p.database)) },
		[]string{"{database} cannot be written; the server's user needs the right to write the file, and to make others beside it (-wal, -shm) in the folder '{folder}'"},
	},
	"the file is empty": {
		func(p *patient, _ string) { p.truncate(0) },
		[]string{"'{database}' is empty: it was cut off or never was a store; put a backup in its place"},
	},
	"the file is cut off": {
		func(p *patient, _ string) { p.truncate(8192) },
		[]string{"{database} is damaged; put back a backup"},
	},
	"the store is of a newer program": {
		func(p *patient, _ string) {
			p.execute(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)`)
		},
		[]string{"{database} has schema 999", "run that version, or put back a backup"},
	},
	"the pepper is missing": {
		func(p *patient, pepper string) { p.move(pepper, pepper+".away") },
		[]string{"pepper file '{folder}/pepper' is missing, but its store is there: put it back from a backup"},
	},
	"the pepper is another one": {
		func(p *patient, pepper string) { p.write(pepper, strings.Repeat("0f", 32)+"\n") },
		[]string{"pepper file '{folder}/pepper': wrong pepper: store sqlite:{database} needs", "put the right pepper file in its place"},
	},
	"the pepper is no pepper": {
		func(p *patient, pepper string) { p.write(pepper, "swordfish\n") },
		[]string{"pepper file '{folder}/pepper'", "put it back from a backup"},
	},
	"the pepper may not be read": {
		func(p *patient, pepper string) { chmod(p.t, 0, pepper) },
		[]string{"{folder}/pepper", "only root and the server's user may read it"},
	},
	"the pepper is open to everybody": {
		func(p *patient, pepper string) { chmod(p.t, 0o644, pepper) },
		[]string{"pepper file '{folder}/pepper' is open to everybody on this machine", "run `chmod 600`"},
	},
}

func (p *patient) truncate(size int64) {
	p.t.Helper()
	if err := os.Truncate(p.database, size); err != nil {
		p.t.Fatal(err)
	}
}

func (p *patient) write(path, text string) {
	p.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// run starts a server that must not start, and gives what it says.
func (p *patient) run() ([]byte, error) {
	p.t.Helper()
	c := p.command("run")
	defer time.AfterFunc(15*time.Second, func() { _ = c.Process.Kill() }).Stop()
	out, err := c.CombinedOutput()
	if c.ProcessState.ExitCode() < 0 {
		p.t.Errorf("it has started")
	}
	return out, err
}

func TestAServerThatCannotStartSaysWhichFileItIsAndWhatToDo(t *testing.T) {
	for name, test := range refusals {
		t.Run(name, func(t *testing.T) {
			p := prepare(t, true)
			if out, err := p.command("auth", "store", "info", "--create").CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			folder := filepath.Dir(p.database)
			test.spoil(p, filepath.Join(folder, "pepper"))
			defer chmod(t, 0o700, folder)
			began := time.Now()
			out, err := p.run()
			if err == nil {
				t.Error("it has started")
			}
			for _, want := range test.want {
				want = strings.NewReplacer("{database}", p.database, "{folder}", folder).Replace(want)
				if log := string(out) + p.log(); !strings.Contains(log, want) {
					t.Errorf("it does not say '%s': %s", want, out)
				}
			}
			figure(t, "it said so after %s", time.Since(began).Round(10*time.Millisecond))
		})
	}
}

// Keys can be checked from a file that can only be read.
func TestAServerStartsOnAFileThatItCannotWrite(t *testing.T) {
	p := prepare(t, true)
	if out, err := p.command("auth", "store", "info", "--create").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	chmod(t, 0o400, p.database)
	p.process = p.command("run")
	begin(t, p.process)
	within(t, 20*time.Second, "the server is ready", p.ready)
	const advice = " cannot be written; the server's user needs the right to write the file"
	if r := p.perform("user/add", `{"username":"alice"}`); r.status != 503 || !strings.Contains(r.text, p.database+advice) {
		t.Errorf("a change: %d %s", r.status, r.text)
	}
	chmod(t, 0o600, p.database)
	recovered := within(t, 5*time.Second, "a user is added", func() bool { return p.perform("user/add", `{"username":"alice"}`).status == 200 })
	figure(t, "%s after the mode was right again changes are made", recovered.Round(time.Millisecond))
}

func TestAServerWaitsForALockAtItsStart(t *testing.T) {
	p := prepare(t, false)
	if out, err := p.command("auth", "store", "info", "--create").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	unlock := p.lock("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; INSERT INTO changes VALUES (0, 'user', 'x')", "ROLLBACK")
	began := time.Now()
	out, err := p.run()
	if log := string(out) + p.log(); err == nil || !strings.Contains(log, p.database+" is locked by another program; find it with `fuser`") {
		t.Errorf("%v: %s", err, log)
	}
	figure(t, "a locked store stops the start after %s", time.Since(began).Round(10*time.Millisecond))
	unlock()
	p.process = p.command("run")
	begin(t, p.process)
	within(t, 20*time.Second, "the server is ready", p.ready)
}

// A reload keeps the store open, but another pepper file is another setting.
func TestAReloadWithAPepperThatIsWrongChangesNothing(t *testing.T) {
	p := newPatient(t, false)
	wrong := filepath.Join(p.dir, "wrong")
	p.write(wrong, strings.Repeat("0f", 32)+"\n")
	config := strings.ReplaceAll(patientFile, "{$DIR}", p.dir)
	for pepper, want := range map[string]string{
		wrong:              "pepper file '" + wrong + "': wrong pepper",
		p.dir + "/nothing": "pepper file '" + p.dir + "/nothing' is missing, but its store is there",
	} {
		p.write(filepath.Join(p.dir, "Caddyfile"), strings.Replace(config, "auth.db\n", "auth.db\n\t\tpepper_file "+pepper+"\n", 1))
		out, err := p.command("reload").CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%v: %s", err, out)
		}
		if r := p.check(p.good); r.status != 200 {
			t.Errorf("a good key afterwards: %d", r.status)
		}
		if r := p.logIn(); r.status != 200 {
			t.Errorf("a log-in afterwards: %d %s", r.status, r.text)
		}
	}
}

// What is in the file at its start is what a server goes on with.
func TestAPepperThatIsLostUnderARunningServerChangesNothingUntilItsEnd(t *testing.T) {
	p := newPatient(t, false)
	pepper := filepath.Join(filepath.Dir(p.database), "pepper")
	p.move(pepper, pepper+".away")
	time.Sleep(1500 * time.Millisecond)
	if r := p.check(p.good); r.status != 200 {
		t.Errorf("a good key: %d", r.status)
	}
	if r := p.check(p.issue("new")); r.status != 200 {
		t.Errorf("a new key: %d", r.status)
	}
	out, err := p.command("auth", "doctor").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "pepper_unusable") || !strings.Contains(string(out), pepper) {
		t.Errorf("the doctor says, %v: %s", err, out)
	}
}

// A tidy operator deletes what he takes for left over, and then the server is killed.
func TestALogThatIsDeletedUnderARunningServer(t *testing.T) {
	for name, suffixes := range map[string][]string{"the log": {"-wal"}, "its index": {"-shm"}, "both": {"-wal", "-shm"}} {
		t.Run(name, func(t *testing.T) {
			p := newPatient(t, false)
			before := p.must("key/list", `{"revoked":true}`)
			for _, suffix := range suffixes {
				if err := os.Remove(p.database + suffix); err != nil {
					t.Fatal(err)
				}
			}
			taken := within(t, 5*time.Second, "the store is opened anew", func() bool {
				p.expectDead()
				return strings.Contains(p.log(), "the store was opened anew")
			})
			figure(t, "the store is opened anew after %s", taken.Round(10*time.Millisecond))
			within(t, 5*time.Second, "key and password are accepted", func() bool { return p.check(p.good).status == 200 && p.logIn().status == 200 })
			// It is not stopped, so that nothing is put in order.
			if err := p.process.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = p.process.Wait()
			p.process = p.command("run")
			begin(t, p.process)
			within(t, 30*time.Second, "the server is ready", p.ready)
			p.expectAll(before, &fault{})
		})
	}
}

// What an operator does who knows no better: he puts the backup in the place of
// the store.
func TestABackupThatIsPutInTheStoresPlaceUnderARunningServer(t *testing.T) {
	p := newPatient(t, false)
	backup := p.backup()
	lost := p.issue("lost")
	p.move(backup, p.database)
	taken := within(t, 5*time.Second, "the lost key is refused", func() bool { return p.check(lost).status == 401 })
	figure(t, "the backup is what counts after %s", taken.Round(10*time.Millisecond))
	p.expectDead()
	within(t, 5*time.Second, "key and password are accepted", func() bool { return p.check(p.good).status == 200 && p.logIn().status == 200 })
	p.expectAll(p.must("key/list", `{"revoked":true}`), &fault{})
	if log := p.log(); !strings.Contains(log, "the store was opened anew") {
		t.Errorf("the log says %s", log)
	}
}
