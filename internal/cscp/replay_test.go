package cscp

import (
	"bufio"
	"context"
	"errors"
	"net"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// player is the other end of a connection: it sends what a test says.
type player struct {
	stream net.Conn
	lines  *bufio.Reader
}

// scripted returns how to connect to a player, which runs once for each
// connection after the greeting.
func scripted(greeting string, play func(p player)) Dial {
	return func(context.Context) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer func() { _ = theirs.Close() }()
			if greeting == "" {
				return
			}
			if _, err := theirs.Write([]byte(greeting)); err == nil {
				play(player{theirs, bufio.NewReader(theirs)})
			}
		}()
		return ours, nil
	}
}

const greeting = "100 CSCP/0.99\n200 READY\n"

// sameWords reports whether two lines are the same to cced.
func sameWords(a, b string) bool {
	wordA, restA := Word(a)
	wordB, restB := Word(b)
	return wordA == wordB && slices.Equal(lex(restA), lex(restB))
}

// otherwise are recorded lines that ours says in other words, which mean the
// same to cced.
var otherwise = map[string]string{
	`GET 2 . ""`:                         `GET 2`,
	`GET 02`:                             `GET 2`,
	`FIND User Email.vacationOn = "0"`:   `FIND User "Email.vacationOn" = "0"`,
	`FIND Vsite Disk.quota = "500"`:      `FIND Vsite "Disk.quota" = "500"`,
	`FIND User Email.vacationOn ~ "0|1"`: `FIND User "Email.vacationOn" ~ "0|1"`,
	`FIND Vsite noSpace.x = "y"`:         `FIND Vsite "noSpace.x" = "y"`,
	`FIND Vsite sort fqdn`:               `FIND Vsite sorttype ascii sortprop fqdn`,
	`FIND Vsite sortnum maxusers`:        `FIND Vsite sorttype old_numeric sortprop maxusers`,
	`FIND Vsite sorttype ascii sortprop hostname domain = "smd.example"`: `FIND Vsite domain = "smd.example" sorttype ascii sortprop hostname`,
	`BYE SUCCESS`: `BYE`,
	`BYE FAIL`:    `BYE`,
	`BYE DEFER`:   `BYE`,
}

// TestRecordedDialoguesAreSpoken has each recorded command said by a connection,
// which must be what was recorded, and its recorded reply read.
func TestRecordedDialoguesAreSpoken(t *testing.T) {
	for _, file := range recordings(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			var now exchange
			dial := scripted(greeting, func(p player) {
				for {
					line, err := p.lines.ReadString('\n')
					if err != nil {
						return
					}
					want := now.line
					if other := otherwise[want]; other != "" {
						want = other
					}
					if line = strings.TrimSuffix(line, "\n"); !sameWords(line, want) {
						t.Errorf("%s: '%s' was sent, recorded is '%s'", now.where, line, now.line)
					}
					if _, err := p.stream.Write([]byte(strings.Join(now.reply, "\n") + "\n")); err != nil {
						return
					}
				}
			})
			var c *Conn
			defer func() {
				if c != nil {
					c.Close()
				}
			}()
			for _, e := range exchanges(t, file) {
				command, err := ParseLine(e.line)
				if err != nil || e.final() == 0 {
					continue
				}
				if _, err := Append(nil, command); err != nil {
					if _, isKey := command.(AuthKey); !isKey {
						t.Errorf("%s: %v", e.where, err)
					}
					continue
				}
				if now = e; c == nil || c.broken {
					if c, err = Open(t.Context(), dial, Options{}); err != nil {
						t.Fatal(err)
					}
				}
				speak(t, c, e, command)
			}
		})
	}
}

func speak(t *testing.T, c *Conn, e exchange, command Command) {
	t.Helper()
	reply, err := c.Do(t.Context(), command)
	if err != nil {
		t.Errorf("%s: %v", e.where, err)
		return
	}
	var lines []string
	for line := range reply.Lines() {
		lines = append(lines, string(append(append([]byte{}, '0'+byte(line.Code/100), '0'+byte(line.Code/10%10), '0'+byte(line.Code%10), ' '), line.Text...)))
		if name, quoted, ok := line.Data(); ok {
			value, err := AppendUnquoted(nil, quoted)
			if err != nil || len(name) == 0 {
				t.Errorf("%s: '%s' is no property (%v)", e.where, line.Text, err)
			}
			// What cced quotes, ours says in other escapes, and cced reads as the same.
			if again, err := AppendUnquoted(nil, AppendQuoted(nil, string(value))); err != nil || string(again) != string(value) {
				t.Errorf("%s: %q is quoted as another value", e.where, value)
			}
		}
	}
	if !slices.Equal(lines, e.reply) || reply.Final() != e.final() {
		t.Errorf("%s: the reply was read as %q", e.where, lines)
	}
	// Both directions: what cced has read from its line is what ours means.
	if again, err := ParseLine(e.line); err != nil || !reflect.DeepEqual(again, command) {
		t.Errorf("%s: %v", e.where, err)
	}
}

// TestForgedLinesCannotBeAskedFor: names come back as they were sent, so none
// with a line end in it may be sent, and none can be.
func TestForgedLinesCannotBeAskedFor(t *testing.T) {
	client, cced := net.Pipe()
	defer func() { _ = cced.Close() }()
	c := &Conn{stream: client, quiet: quietOf(client), reader: reader{from: client, max: DefaultMaxReply}}
	go func() {
		if sent, _ := bufio.NewReader(cced).ReadString('\n'); sent != "" {
			t.Errorf("%q was sent", sent)
		}
	}()
	const line = "a\n201 OK"
	for _, command := range []Command{
		Set{OID: 3, Values: []Pair{{"x\n201 OK", "y"}}},
		Set{OID: 3, Namespace: line},
		Get{2, "a\n102 DATA enabled = \"0\"\n201 OK"},
		Find{Class: "No\n104 OBJECT 77\n201 OK"},
		Find{Class: "User", Criteria: []Criterion{{line, "", false}}},
		Find{Class: "User", Criteria: []Criterion{{"Email." + line, "", false}}},
		Find{Class: "User", Sort: &Sort{"ascii", line}},
		Find{Class: "User", Sort: &Sort{line, "a"}},
		Find{Class: "User", Sort: &Sort{"locale(" + line + ")", "a"}},
		Create{Class: "No\n104 OBJECT 77\n201 OK"},
		Create{"User", []Pair{{line, ""}}},
		Names{Class: "No\n105 NAMESPACE Made_up\n201 OK"},
		AuthKey{"admin", line},
		Auth{"a\x00b", ""},
		Auth{"admin", "a\x00b"},
		AuthKey{"a\x00b", "abc"},
		Set{OID: 3, Values: []Pair{{"x", "a\x00b"}}},
		Suspend{"a\x00b"},
		Find{Class: "User", Criteria: []Criterion{{"name", "a\x00b", false}}},
		Get{},
		Destroy{1e18},
	} {
		var bad *ParameterError
		if _, err := c.Do(t.Context(), command); !errors.As(err, &bad) {
			t.Errorf("%#v: %v", command, err)
		}
	}
	if !c.Usable() {
		t.Error("the connection was closed for it")
	}
	for _, e := range exchanges(t, forgeries) {
		if _, err := ParseLine(e.line); err == nil && strings.Contains(e.line, `\n`) {
			t.Errorf("'%s' was taken", e.line)
		}
	}
	c.Close()
}
