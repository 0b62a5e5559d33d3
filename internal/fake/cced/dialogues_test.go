package cced

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// recording is a daemon of the recorder and the dialogues with it, in order.
type recording struct {
	name   string
	config Config
	files  []dialogue
}

type dialogue struct {
	file string
	// before prepares what the dialogue presumes.
	before func(s *Server)
	// setup are commands of a root peer that were not recorded.
	setup []string
	// hidden is the command that the recorder sent without showing it.
	hidden string
	// id is a session of admin from before the dialogue.
	id string
}

var recordings = []recording{
	{
		name:   "the daemon of most dialogues",
		config: Config{Setup: []string{}},
		files: []dialogue{
			{file: "00_setup.txt", before: func(s *Server) { s.PeerIsRoot(true) }},
			{file: "01_greeting_help.txt", before: func(s *Server) { s.PeerIsRoot(false) }},
			{file: "02_auth.txt", before: func(s *Server) { s.PeerIsRoot(false) }},
			{file: "03_session.txt"},
			{file: "04_root_rights.txt", before: func(s *Server) { s.PeerIsRoot(true) }},
			{file: "05_get.txt", before: func(s *Server) { s.PeerIsRoot(false) }},
			{file: "06_set.txt"},
			{file: "07_escaping.txt", hidden: "GET 1"},
			{file: "08_find.txt"},
			{file: "09_create_destroy.txt"},
			{file: "10_names_classes.txt"},
			{file: "11_transaction.txt"},
			{file: "12_suspend.txt"},
			{file: "13_bad_commands.txt"},
			{file: "14_odd_bytes.txt", hidden: "GET 1"},
			{file: "15_pipelining.txt"},
			{file: "16_concurrency.txt"},
			{file: "17_handlers.txt", hidden: "GET 13"},
			// It was recorded twice, and shows the second time.
			{
				file: "25_api_document.txt",
				setup: []string{
					`SET 2 description = "Testing2"`, `SET 3 description = "Testing2"`,
					`CREATE Vsite name = "doc1" fqdn = "doc1.example"`,
				},
				id: "crr6tZdPKBGjKQdXRjPLjenptXmgmf7pvplOenrMOYWmCZ9h6NSgR3t9RFf1Jce",
			},
			{file: "29_unescaped_names.txt"},
		},
	},
	{
		name: "a daemon with few objects",
		config: Config{
			Setup: []string{
				`CREATE System`,
				`CREATE User name = "admin" systemAdministrator = "1"`,
				`CREATE User name = "mary"`,
				`CREATE User name = "a-user-name-that-is-longer-than-31-characters"`,
				`CREATE Undo name = "u" mode = "start"`,
			},
			Passwords: map[string]string{
				"admin": "secret-1",
				"a-user-name-that-is-longer-than-31-characters": "long-1",
			},
		},
		files: []dialogue{
			{file: "18_rollback.txt"},
			{file: "19_client_gone.txt"},
			{file: "20_long_user.txt"},
			{file: "21_shutdown.txt"},
			{file: "22_read_only.txt", before: func(s *Server) { s.ReadOnly(true) }},
			{file: "23_every_change_fails.txt", before: func(s *Server) { s.ReadOnly(false); s.FailChanges(true) }},
		},
	},
	{
		name:   "a daemon with a session life of two seconds",
		config: Config{SessionLife: 2 * time.Second},
		files:  []dialogue{{file: "24_session_timeout.txt"}},
	},
	{
		name:   "a daemon with 202 objects",
		config: Config{Setup: manyUsers()},
		files: []dialogue{{
			file: "28_lost_lock.txt",
			id:   "9k8KKxWwwPGNtAsh6yYmVYvn25X1X8pWiouQJhc5UIId8Zi3n4d7QykIt5zg3N0",
		}},
	},
}

// notReplayed are the files that are no dialogues, and why.
var notReplayed = map[string]string{
	"26_guessing_speed.txt": "it holds one measurement and no lines",
	"27_speed.txt":          "it holds measurements and no lines",
}

func manyUsers() []string {
	lines := []string{`CREATE System`, `CREATE User name = "admin" systemAdministrator = "1"`}
	for i := range 200 {
		lines = append(lines, fmt.Sprintf(`CREATE User name = "user%d"`, i))
	}
	return lines
}

// TestDialogues replays what was recorded of the real daemon. In 17 and 18 what
// handlers and daemon told one another is left out: here handlers are no
// programs.
func TestDialogues(t *testing.T) {
	for _, one := range recordings {
		t.Run(one.name, func(t *testing.T) {
			watch := newClock()
			daemon := Start(t, func(c *Config) {
				c.Setup, c.SessionLife = one.config.Setup, one.config.SessionLife
				if one.config.Passwords != nil {
					c.Passwords = one.config.Passwords
				}
				c.Now, c.After = watch.now, watch.after
				c.Pause, c.Second = noPause, 0
			})
			for _, d := range one.files {
				t.Run(strings.TrimSuffix(d.file, ".txt"), func(t *testing.T) { replay(t, daemon, watch, d) })
			}
		})
	}
}

func noPause() time.Duration { return 0 }

func replay(t *testing.T, daemon *Server, watch *clock, d dialogue) {
	if d.before != nil {
		d.before(daemon)
	}
	if err := daemon.setUp(d.setup); err != nil {
		t.Fatal(err)
	}
	r := &replayer{
		t: t, daemon: daemon, clock: watch, file: d.file, hidden: d.hidden,
		lettered: map[string]*client{}, ids: map[string]string{}, written: daemon.received.Load(),
	}
	if d.id != "" {
		id, err := daemon.sessions.open("admin")
		if err != nil {
			t.Fatal(err)
		}
		r.ids[d.id] = id
	}
	r.play(readDialogue(t, d.file))
}

// TestEveryDialogueIsReplayed holds that none is forgotten.
func TestEveryDialogueIsReplayed(t *testing.T) {
	files, err := os.ReadDir(dialogues)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := file.Name()
		replayed := slices.ContainsFunc(recordings, func(r recording) bool {
			return slices.ContainsFunc(r.files, func(d dialogue) bool { return d.file == name })
		})
		if _, left := notReplayed[name]; !replayed && !left && name != "README.md" {
			t.Errorf("'%s' is not replayed; add it to the recordings, or to notReplayed with the reason", name)
		}
	}
}
