package intelmqctl

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// wholeText is what QueuesAndStatus prints of two bots.
const wholeText = `[
    {
        "a": {
            "destination_queues": []
        }
    },
    {
        "a": "running",
        "b": "stopped"
    }
]
`

// recordedCalls are calls of the real intelmqctl, by the state of its botnet and by
// arguments.
func recordedCalls(t *testing.T) map[string]map[string]string {
	t.Helper()
	text, err := os.ReadFile("testdata/parts.json")
	if err != nil {
		t.Fatal(err)
	}
	var calls map[string]map[string]string
	if err := json.Unmarshal(text, &calls); err != nil {
		t.Fatal(err)
	}
	return calls
}

func TestPartsAreWhatTheOtherCommandsPrint(t *testing.T) {
	compared := 0
	for state, calls := range recordedCalls(t) {
		t.Run(state, func(t *testing.T) {
			parts := split([]byte(calls[argWhole]))
			if parts == nil {
				t.Fatal("nothing was cut out")
			}
			for arguments, want := range calls {
				if arguments == argWhole {
					continue
				}
				compared++
				got := parts[strings.ReplaceAll(arguments, " ", "\x00")]
				if string(got) != want {
					t.Errorf("'%s': got\n%s\nwant\n%s", arguments, got, want)
				}
			}
		})
	}
	if compared < 8 {
		t.Errorf("only %d answers were compared", compared)
	}
}

func TestStringsAndNumbersStayAsTheyWere(t *testing.T) {
	text := "[{\"\\u00fc\": 1.50, \"e\": [], \"o\": {}}, {\"a\": \"\\ud83d\\ude00<&>\"}]"
	parts := split([]byte(text))
	want := "{\n    \"\\u00fc\": 1.50,\n    \"e\": [],\n    \"o\": {}\n}\n"
	if got := parts[key(Queues{})]; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := parts[key(Bot{Look, mustID("a")})]; !bytes.Equal(got, []byte("\"\\ud83d\\ude00<&>\"\n")) {
		t.Errorf("got %s", got)
	}
}

func TestNothingIsCutOutOfWhatIsUnknown(t *testing.T) {
	for _, text := range []string{"", "null", "{}", "[]", "[{}]", "[{},{},{}]", "[{},null]", "[null,{}]", "[[],{}]", "[{},\"x\"]"} {
		if parts := split([]byte(text)); parts != nil {
			t.Errorf("'%s' gave %v", text, parts)
		}
	}
}

func TestQueuesAndStatusAnswersOtherQuestions(t *testing.T) {
	tests := []struct {
		name string
		cmd  Command
		fed  bool
		body string
	}{
		{"queues", Queues{}, true, "{\n    \"a\": {\n        \"destination_queues\": []\n    }\n}\n"},
		{"the status of the botnet", status, true, "{\n    \"a\": \"running\",\n    \"b\": \"stopped\"\n}\n"},
		{"the status of a bot", Bot{Look, mustID("b")}, true, "\"stopped\"\n"},
		{"not that of a bot it does not list", Bot{Look, mustID("c")}, false, "1\n"},
		{"not that of a group, whose bots it does not tell", Botnet{Look, Parsers}, false, "1\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{prints: map[string]string{argWhole: wholeText}}
				c := newTestClient(t, s, Config{})
				_, err := c.Read(t.Context(), "alice", QueuesAndStatus{})
				if err != nil {
					t.Fatal(err)
				}
				a, err := c.Read(t.Context(), "alice", test.cmd)
				wantAnswer(t, a, err, test.body)
				if a.Cached != test.fed {
					t.Errorf("cached is %v", a.Cached)
				}
				time.Sleep(4 * time.Second)
				if a, _ := c.Read(t.Context(), "alice", test.cmd); a.Cached {
					t.Error("the part outlives the whole")
				}
			})
		})
	}
}

func TestTheNewestAnswerCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{prints: map[string]string{argWhole: wholeText, argStatus: "\"of itself\"\n"}}
		c := newTestClient(t, s, Config{})
		read := func(cmd Command, body string) {
			t.Helper()
			a, err := c.Read(t.Context(), "alice", cmd)
			wantAnswer(t, a, err, body)
		}
		read(status, "\"of itself\"\n")
		read(QueuesAndStatus{}, wholeText)
		read(status, "{\n    \"a\": \"running\",\n    \"b\": \"stopped\"\n}\n")
	})
}

func TestACallThatWaitsIsSparedByOneThatBringsItsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{prints: map[string]string{argWhole: wholeText}}
		c := newTestClient(t, s, Config{Reads: 1})
		go func() { _, _ = c.Read(t.Context(), "alice", QueuesAndStatus{}) }()
		synctest.Wait()
		a, err := c.Read(t.Context(), "bob", Bot{Look, mustID("b")})
		wantAnswer(t, a, err, "\"stopped\"\n")
		wantCalls(t, s, 1)
	})
}
