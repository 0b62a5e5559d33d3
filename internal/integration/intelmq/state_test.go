package intelmq_test

import (
	"encoding/json"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/fake/intelmqctl"
)

// states are what the recorder did to a botnet before an exchange.
var states = map[int]func(*testing.T, *world){
	0: func(t *testing.T, w *world) {
		w.write(t, "var/lib/bots/file-collector/small.txt", "small\n")
		w.write(t, "var/lib/bots/file-collector/large.txt", strings.Repeat("0123456789\n", 300))
		w.write(t, "var/lib/bots-other/x", "x\n")
		if err := os.Symlink(w.botnet.Path("etc/runtime.yaml"), w.botnet.Path("var/lib/bots/file-collector/link-out.txt")); err != nil {
			t.Fatal(err)
		}
	},
	148: func(t *testing.T, w *world) { w.botnet.Log("csv-parser", recordedLog(t)) },
	// The words of the next one say that a message was sent.
	166: func(_ *testing.T, w *world) { w.botnet.Fill("file-output-queue", `{"source.ip":"192.0.2.99"}`) },
	// The limit of 185 has left the bot running.
	186: func(t *testing.T, w *world) {
		if running := w.botnet.Processes("dedup-expert"); len(running) != 1 {
			t.Errorf("processes %v of the bot, want one", running)
		}
	},
	217: func(t *testing.T, w *world) { w.undo = w.deny(t, "etc/runtime.yaml") },
	218: func(t *testing.T, w *world) { w.undo = w.deny(t, "etc/manager/positions.conf") },
	219: func(t *testing.T, w *world) { w.remove(t, "etc/manager") },
	220: func(t *testing.T, w *world) { w.remove(t, "etc/harmonization.conf") },
	222: func(t *testing.T, w *world) { w.remove(t, "etc/runtime.yaml") },
	226: func(t *testing.T, w *world) { w.recordedFiles(t); w.write(t, "etc/manager/positions.conf", "{bad") },
	227: func(t *testing.T, w *world) { w.write(t, "etc/manager/positions.conf", "[]") },
	228: func(t *testing.T, w *world) { w.write(t, "etc/harmonization.conf", "") },
	229: func(t *testing.T, w *world) { w.write(t, "etc/runtime.yaml", "global: {\n") },
	230: func(t *testing.T, w *world) { w.write(t, "etc/runtime.yaml", "") },
	231: func(t *testing.T, w *world) { w.write(t, "etc/runtime.yaml", "global: {\n") },
	232: func(t *testing.T, w *world) { w.recordedFiles(t) },
	301: func(t *testing.T, w *world) { w.undo = w.loseStore(t) },
	302: func(t *testing.T, w *world) { w.undo = w.loseStore(t) },
}

// recordedLog is the log file that the recorded answers were read from: that to
// CRITICAL has all its lines.
func recordedLog(t *testing.T) string {
	t.Helper()
	var entries []struct {
		Date     string `json:"date"`
		BotID    string `json:"bot_id"`
		Level    string `json:"log_level"`
		Message  string `json:"message"`
		Extended string `json:"extended_message"`
	}
	if err := json.Unmarshal([]byte(exchanges(t)[153].Body), &entries); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, e := range entries {
		date := strings.NewReplacer("T", " ", ".", ",").Replace(strings.TrimSuffix(e.Date, "000"))
		b.WriteString(date + " - " + e.BotID + " - " + e.Level + " - " + e.Message + "\n")
		if e.Extended != "\n" { // which is what follows the last newline of a file
			b.WriteString(e.Extended)
		}
	}
	return b.String()
}

// said are the arguments of calls whose words the stand-in does not know, by the
// exchange: it says what was recorded, if it gets exactly these. MSG is the message
// of the request.
var said = map[int]string{
	79:  "--type json status no-such-bot",
	90:  "--type json status global",
	103: "--type json log no-such-bot 3 CRITICAL",
	117: "--type json debug",
	// How a bot ends the recorder's machine has seen otherwise.
	163: "--type json stop taxonomy-expert",
	164: "--type json stop file-output",
	166: "run dedup-expert message send MSG",
	168: "run file-output message get",
	169: "run file-output message pop",
	170: "run dedup-expert process --show-sent --dry --msg MSG",
	171: "run dedup-expert process --show-sent --msg MSG",
	172: "run file-output process --msg MSG",
	176: "run file-collector message get",
	177: "run file-output message send MSG",
	178: "run no-such-bot message get",
	184: "run dedup-expert process --show-sent --dry --msg MSG",
	// What the recorder had killed counts as running.
	187: "--type json stop",
	210: "--type json status",
	// Here nothing has emptied the configuration of 210.
	214: "--type json status",
}

// says has the stand-in say what was recorded in an exchange.
func (w *world) says(t *testing.T, e exchange) {
	t.Helper()
	arguments, is := said[e.Number]
	if !is {
		w.botnet.Switch()
		return
	}
	record := intelmqctl.Record{Exit: new(int)}
	for word := range strings.FieldsSeq(arguments) {
		if word == "MSG" {
			word = message(t, e)
		}
		record.Argv = append(record.Argv, word)
	}
	record.Stdout, record.Stderr = output(t, e)
	if record.Stderr != "" {
		*record.Exit = 1
	}
	text, err := json.Marshal([]intelmqctl.Record{record})
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, "records.json", string(text))
	w.botnet.Switch("replay=" + w.botnet.Path("records.json"))
}

// output is what the command has printed in an exchange.
func output(t *testing.T, e exchange) (stdout, stderr string) {
	t.Helper()
	switch {
	case e.Number == 214:
		return output(t, exchanges(t)[210])
	case e.Status == 500:
		var body struct{ Message string }
		if err := json.Unmarshal([]byte(e.Body), &body); err != nil {
			t.Fatal(err)
		}
		return "", body.Message
	case strings.Contains(e.Path, "/run?"):
		if err := json.Unmarshal([]byte(e.Body), &stdout); err != nil {
			t.Fatal(err)
		}
		return stdout, ""
	}
	return e.Body, ""
}

// message is that of a form.
func message(t *testing.T, e exchange) string {
	t.Helper()
	form, err := url.ParseQuery(e.RequestBody)
	if err != nil {
		t.Fatal(err)
	}
	return form.Get("msg")
}
