package cced

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestLinesAreThoseOfClients(t *testing.T) {
	s := Start(t)
	c := dial(t, s)
	c.answers("FROB x", "402 BAD COMMAND")
	c.answers("\n  \nWHOAMI", "104 OBJECT -1", "201 OK")
	if got, want := s.Lines(), []string{"FROB x", "WHOAMI"}; !slices.Equal(got, want) {
		t.Errorf("lines %q, want %q", got, want)
	}
	if got := s.Commands(); got != 2 {
		t.Errorf("%d commands, want 2", got)
	}
}

func TestUnrecordedLinesAreCounted(t *testing.T) {
	s := Start(t, func(c *Config) { c.Record = false })
	dial(t, s).answers("WHOAMI", "104 OBJECT -1", "201 OK")
	if got := s.Lines(); len(got) != 0 || s.Commands() != 1 {
		t.Errorf("lines %q and %d commands, want none and 1", got, s.Commands())
	}
}

func TestNewSaysWhatIsWrong(t *testing.T) {
	class := func(text string) []string { return []string{BaseSchema, `<SCHEMA>` + text + `</SCHEMA>`} }
	for _, c := range []struct {
		name   string
		config Config
		want   string
	}{
		{"a schema that is no XML", Config{Schemas: []string{"<SCHEMA>"}}, "schema file 1: XML"},
		{"a type of another kind", Config{Schemas: class(`<typedef name="t" type="extern" data="x"/>`)}, "typedef 't': type 'extern' is not understood"},
		{"a type with a bad pattern", Config{Schemas: class(`<typedef name="t" type="re" data="("/>`)}, "typedef 't': error parsing regexp"},
		{"an unknown rule", Config{Schemas: class(`<rule name="r" type="builtin" data="rule_x"/>`)}, "rule 'r': 'rule_x' is not built in"},
		{"an unknown order", Config{Schemas: class(`<matchtype name="m" type="builtin" data="x_compare"/>`)}, "matchtype 'm': 'x_compare' is not built in"},
		{"an undefined type", Config{Schemas: class(`<class name="A" namespace=""><property name="p" type="nosuch"/></class>`)}, "class 'A', namespace '': property 'p': type 'nosuch' is not defined"},
		{"an undefined rule", Config{Schemas: class(`<class name="A" namespace="" createacl="nosuch"/>`)}, "rule 'nosuch' is not defined"},
		{"no main namespace", Config{Schemas: class(`<class name="A" namespace="N"/>`)}, "class 'A' has no main namespace"},
		{"a namespace twice", Config{Schemas: class(`<class name="A" namespace=""/><class name="A" namespace=""/>`)}, "class 'A', namespace '': it is defined twice"},
		{"a setup that fails", Config{Setup: []string{"CREATE Nothing"}}, "setup 'CREATE Nothing': the answer was '301 UNKNOWN CLASS Nothing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := New(c.config); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error '%v', want '%s'", err, c.want)
			}
		})
	}
}

func TestSocketOfARunningDaemonIsNotTaken(t *testing.T) {
	first := Start(t)
	second, err := New(Config{Socket: first.Socket()})
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Restart(); err == nil || !strings.Contains(err.Error(), "is in use by another program") {
		t.Errorf("error '%v'", err)
	}
}

func TestPasswordThatIsSetIsTheOneToAuthWith(t *testing.T) {
	s := Start(t, asAdmin)
	root := dial(t, s)
	root.answers(`SET 3 password = "new \"one\""`, "201 OK")
	root.answers(`CREATE User name = "api-admin" password = "first"`, "104 OBJECT 9", "201 OK")
	if got := root.ask("GET 3"); !slices.Contains(got, `102 DATA password = ""`) {
		t.Errorf("the password is not thrown away: %q", got)
	}
	s.PeerIsRoot(false)
	for line, want := range map[string]string{
		`AUTH mary "mary-pw 2"`:    "401 FAIL",
		`AUTH mary "new \"one\""`:  "201 OK",
		`AUTH "api-admin" "first"`: "201 OK",
	} {
		if got := dial(t, s).ask(line); got[len(got)-1] != want {
			t.Errorf("'%s': %q, want '%s'", line, got, want)
		}
	}
}

func TestPauseComesAfterTheAnswer(t *testing.T) {
	clock := newClock()
	s := Start(t, func(c *Config) {
		c.Pause = func() time.Duration { return time.Second }
		c.Now, c.After = clock.now, clock.after
	})
	c := dial(t, s)
	c.send("AUTH admin wrong\nWHOAMI\n")
	c.expect("401 FAIL")
	clock.awaitSleeper()
	dial(t, s).answers("WHOAMI", "104 OBJECT -1", "201 OK") // another connection is not held up
	clock.advance(time.Second)
	c.expect("104 OBJECT -1", "201 OK")
}

func TestLatencyIsAddedToEachCommand(t *testing.T) {
	clock := newClock()
	s := Start(t, func(c *Config) {
		c.Latency = time.Second
		c.Now, c.After = clock.now, clock.after
	})
	c := dial(t, s)
	c.send("WHOAMI\nENDKEY\n")
	clock.awaitSleeper()
	clock.advance(time.Second)
	c.expect("104 OBJECT -1", "201 OK")
	clock.awaitSleeper()
	clock.advance(time.Second)
	c.expect("201 OK")
}

func TestCapableUserMayCreate(t *testing.T) {
	s := Start(t, asAdmin)
	root := dial(t, s)
	root.answers(`SET 3 capabilities = "&manageSite&"`, "201 OK")
	mary := dial(t, s)
	mary.ask(`AUTH mary "mary-pw 2"`)
	mary.answers(`CREATE Vsite name = x fqdn = x`, "104 OBJECT 9", "201 OK")
	mary.answers(`CREATE Probe name = x`, "304 PERMISSION DENIED CREATE", "401 FAIL")
}

func TestTransactionThatIsGivenUpFreesItsNumbers(t *testing.T) {
	s := Start(t, asAdmin)
	c := dial(t, s)
	c.answers("BEGIN", "201 OK")
	c.answers("CREATE Probe name = a", "104 OBJECT 9", "201 OK")
	other := dial(t, s)
	other.answers("CREATE Probe name = b", "104 OBJECT 10", "201 OK")
	c.answers("BYE", "202 GOODBYE")
	c.rest()
	await(t, func() bool { return s.Connections().Open == 1 })
	other.answers("CREATE Probe name = c", "104 OBJECT 9", "201 OK")
}

func TestTransactionOnAnObjectThatIsDestroyedMeanwhile(t *testing.T) {
	s := Start(t, asAdmin)
	c, other := dial(t, s), dial(t, s)
	c.answers("BEGIN", "201 OK")
	c.answers("SET 8 maxusers = 1", "201 OK")
	other.answers("DESTROY 8", "201 OK")
	c.answers("COMMIT", "201 OK")
	c.answers("GET 8", "300 UNKNOWN OBJECT 8", "401 FAIL")
}

func TestManyClientsAtOnce(t *testing.T) {
	s := Start(t, asAdmin)
	var clients sync.WaitGroup
	for range 16 {
		c := dial(t, s)
		clients.Go(func() {
			for range 50 {
				created := c.ask("CREATE Probe name = p")
				oid := strings.TrimPrefix(created[0], "104 OBJECT ")
				if got := c.ask("GET " + oid); got[len(got)-1] != "201 OK" {
					t.Errorf("GET: %q", got)
				}
				c.ask("FIND Probe name ~ p sorttype ascii sortprop name")
				c.answers("DESTROY "+oid, "201 OK")
			}
		})
	}
	clients.Wait()
	dial(t, s).answers("FIND Probe", "201 OK")
}

func TestSocketForTests(t *testing.T) {
	t.Setenv("CCED_SOCKET", "/run/cced.socket")
	if path, real := SocketForTests(t); path != "/run/cced.socket" || !real {
		t.Errorf("'%s', %v", path, real)
	}
	t.Setenv("CCED_SOCKET", "")
	if path, real := SocketForTests(t); path == "" || real {
		t.Errorf("'%s', %v", path, real)
	}
}
