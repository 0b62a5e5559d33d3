package intelmq_test

import (
	"fmt"
	"net/http"
	"os/user"
	"regexp"
	"strings"
)

// recordedToken stands for every token in the record.
const recordedToken = "68b329da9893e34099c7d8ad5cb9c940"

// asRecorded puts the record's token, paths, user and command in the place of ours.
func (w *world) asRecorded(body string) string {
	body = loginToken.ReplaceAllString(body, `"login_token":"`+recordedToken+`"`)
	body = took.ReplaceAllString(body, "${1}1s")
	user := userName()
	return strings.NewReplacer(
		"sudo -u "+user+" "+strings.Join(w.command, " "), "sudo -u www-data "+w.typed,
		w.command[0], w.typed,
		w.botnet.Root, installed,
		// In tips.
		user+" ALL=", "www-data ALL=",
		"user '"+user+"'", "user 'www-data'",
		"chown -R "+user+":", "chown -R www-data:",
	).Replace(body)
}

// took is how long a command was waited for.
var took = regexp.MustCompile(`(has not ended by itself in )[^ ,]+`)

// userName is whom the server acts as.
func userName() string {
	u, err := user.Current()
	if err != nil {
		return err.Error()
	}
	return u.Username
}

// noLog is the entry of a log that there is not yet, which has the time of the call.
var noLog = regexp.MustCompile(`"date": "[^"]*",(\s+"bot_id": "[^"]*",\s+"log_level": "INFO",\s+"message": "No log file)`)

// compare says what is not as recorded. More headers there may be, but none that
// lets other origins in.
func (e *exchange) compare(got received) string {
	body := noLog.ReplaceAllString(e.Body, `"date": "now",$1`)
	gotBody := noLog.ReplaceAllString(got.body, `"date": "now",$1`)
	switch {
	case got.status != e.Status:
		return fmt.Sprintf("status %d, recorded %d: %s", got.status, e.Status, got.body)
	case e.Cut && !strings.HasPrefix(gotBody, body), !e.Cut && gotBody != body:
		return fmt.Sprintf("the body is\n%s\nrecorded\n%s", gotBody, body)
	case e.Headers["access-control-allow-origin"] == "" && got.header.Get("Access-Control-Allow-Origin") != "":
		return "another origin is let in"
	}
	return compareHeaders(got.header, e.Headers)
}

func compareHeaders(got http.Header, want map[string]string) string {
	for name, value := range want {
		if got.Get(name) != value {
			return fmt.Sprintf("%s is '%s', want '%s'", name, got.Get(name), value)
		}
	}
	return ""
}

// compare says what is not as wanted.
func (a *answer) compare(got received) string {
	switch {
	case got.status != a.Status:
		return fmt.Sprintf("status %d, want %d: %s", got.status, a.Status, got.body)
	case a.Body != nil && got.body != *a.Body:
		return fmt.Sprintf("the body is\n%s\nwant\n%s", got.body, *a.Body)
	case !strings.Contains(got.body, a.Contains):
		return fmt.Sprintf("the body is\n%s\nwithout\n%s", got.body, a.Contains)
	}
	return compareHeaders(got.header, a.Headers)
}
