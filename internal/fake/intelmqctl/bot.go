package intelmqctl

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// botWord is the first word by which the stand-in is a bot, and not the command.
const botWord = "bot"

// botWords are those of a bot's process. The folder is one of them, so that a bot of
// another botnet is another one.
func (f folder) botWords(id string) []string { return []string{"-root", string(f), botWord, id} }

// runBot is a bot: it writes a log and does nothing until it is told to end.
func runBot(f folder, id string) int {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGHUP)
	signal.Ignore(syscall.SIGPIPE) // the call may be gone
	say := func(text string) { _ = appendLine(f.logFile(id), logLine(time.Now(), id, "INFO", text)) }
	say(fmt.Sprintf("Bot is starting as process %d.", os.Getpid()))
	say("Bot initialization completed.")
	fmt.Println("ready") // to the call that has started it
	for s := range signals {
		if s == syscall.SIGHUP {
			say("Configuration is read again.")
			continue
		}
		say("Bot stopped.")
		break
	}
	return 0
}

// logLine is a line of a bot's log as Python's logging writes it.
func logLine(t time.Time, id, level, text string) string {
	stamp := fmt.Sprintf("%s,%03d", t.Format(time.DateTime), t.Nanosecond()/int(time.Millisecond))
	return stamp + " - " + id + " - " + level + " - " + text
}
