package intelmqapi

import (
	"math"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/intelmqctl"
)

func TestQuestions(t *testing.T) {
	event := `{"source.ip":"192.0.2.1"}`
	for _, c := range []struct {
		what   string
		route  Route
		query  string
		form   string
		want   string
		change bool
	}{
		{"the status of all bots", RouteBotnet, "action=status", "", "--type json status", false},
		{"of no group in the manager's way", RouteBotnet, "action=status&group=botnet", "", "--type json status", false},
		{"a group is stopped", RouteBotnet, "action=stop&group=experts", "", "--type json stop --group experts", true},
		{"a bot is reloaded", RouteBot, "action=reload&id=a.b_c-1", "", "--type json reload a.b_c-1", true},
		{"the status of a bot", RouteBot, "action=status&id=a", "", "--type json status a", false},
		{"of a parameter that is there twice the last counts", RouteBot, "action=stop&id=a&id=b&action=status", "", "--type json status b", false},
		{"unknown parameters are ignored", RouteBot, "x=1&action=status&id=a&&=&y", "", "--type json status a", false},
		{"the level is DEBUG", RouteGetLog, "id=a&lines=3", "", "--type json log a 3 DEBUG", false},
		{"all levels are DEBUG", RouteGetLog, "id=a&lines=-1&level=ALL", "", "--type json log a -1 DEBUG", false},
		{"a level", RouteGetLog, "id=a&lines=%2B7&level=ERROR", "", "--type json log a 7 ERROR", false},
		{"a queue is emptied", RouteClear, "id=a-queue-internal", "", "--type json clear a-queue-internal", true},
		{"queues", RouteQueues, "", "", "--type json list queues", false},
		{"both", RouteQueuesAndStatus, "", "", "--type json list queues-and-status", false},
		{"bots", RouteBots, "", "", "--type json list bots", false},
		{"version", RouteVersion, "", "", "--version", false},
		{"check", RouteCheck, "", "", "--type json check", false},
		{"debug", RouteDebug, "", "", "--type json debug", false},
		{"a message is looked at, and the bot stopped for that", RouteRun, "bot=a&cmd=get", "msg=x", "run a message get", true},
		{"a message is taken", RouteRun, "bot=a&cmd=pop&show=true&dry=true", "", "run a message pop", true},
		{"a message is sent", RouteRun, "bot=a&cmd=send", "msg=" + url.QueryEscape(event), "run a message send " + event, true},
		{"a message is worked on", RouteRun, "bot=a&cmd=process&dry=YES&show=On", "msg=" + url.QueryEscape(event), "run a process --show-sent --dry --msg " + event, true},
		{"the next message is worked on", RouteRun, "bot=a&cmd=process&dry=0", "", "run a process --msg ", true},
		{"a message is not trimmed", RouteRun, "bot=a&cmd=send", "msg=+%7B%7D+", "run a message send  {} ", true},
	} {
		method := c.route.Methods()[0]
		form, invalid := ReadForm(formURLEncoded, []byte(c.form))
		if invalid != nil {
			t.Fatal(invalid)
		}
		q, invalid := Parse(c.route, method, c.query, form)
		if invalid != nil {
			t.Errorf("%s: %s", c.what, marshal(invalid))
			continue
		}
		if got := strings.Join(intelmqctl.Arguments(q.Command), " "); got != c.want || q.Changes() != c.change || q.Forgeable() != c.change {
			t.Errorf("%s: got '%s', changes %v; want '%s', %v", c.what, got, q.Changes(), c.want, c.change)
		}
	}
}

func TestQuestionsWithoutACommand(t *testing.T) {
	for _, c := range []struct {
		route                    Route
		method, query            string
		save, changes, forgeable bool
	}{
		{RouteRuntime, "GET", "", false, false, false},
		{RouteRuntime, "HEAD", "", false, false, false},
		{RouteRuntime, "POST", "", true, true, true},
		{RoutePositions, "POST", "", true, true, true},
		{RoutePositions, "PUT", "", false, false, false},
		{RouteHarmonization, "GET", "x=1", false, false, false},
		{RouteLogout, "POST", "", false, false, true},
		{RouteBot, "OPTIONS", "action=stop&id=a", false, false, false},
		{RouteBot, "HEAD", "action=stop&id=a", false, false, false},
		{"nothing", "GET", "", false, false, false},
	} {
		q, invalid := Parse(c.route, c.method, c.query, nil)
		if invalid != nil {
			t.Errorf("%s %s: %s", c.method, c.route, marshal(invalid))
			continue
		}
		if q.Command != nil || q.Save != c.save || q.Changes() != c.changes || q.Forgeable() != c.forgeable {
			t.Errorf("%s %s: %+v, changes %v, forgeable %v", c.method, c.route, q, q.Changes(), q.Forgeable())
		}
	}
}

func TestAFileIsAskedForAsItIsWritten(t *testing.T) {
	q, invalid := Parse(RouteConfig, "GET", "file=/opt/../%C3%BCbung+a%zz%2&fetch=T", nil)
	if invalid != nil || q.File != "/opt/../übung a%zz%2" || !q.Fetch || q.Changes() {
		t.Errorf("%+v, %v", q, invalid)
	}
	if q, _ := Parse(RouteConfig, "GET", "file=", nil); q == nil || q.File != "" || q.Fetch {
		t.Errorf("%+v", q)
	}
}

func TestLoginWantsNameAndPassword(t *testing.T) {
	for text, want := range map[string]string{
		"username=a&password=b":            "",
		"username=a":                       "password",
		"password=b&username=":             "username",
		"":                                 "username password",
		"username=a&password=b&password=":  "password",
		"USERNAME=a&password=b":            "username",
		"username=a;password=b":            "password",
		"username=a&password=&password=%2": "",
	} {
		form, _ := ReadForm(formURLEncoded, []byte(text))
		_, invalid := Parse(RouteLogin, "POST", "username=q&password=q", form)
		if got := locations(invalid); got != want {
			t.Errorf("'%s': got '%s', want '%s'", text, got, want)
		}
	}
	if _, invalid := Parse(RouteLogin, "POST", "", url.Values{"username": nil, "password": {}}); locations(invalid) != "username password" {
		t.Error("fields without a value are there")
	}
}

// locations are the names of what is wrong.
func locations(i *Invalid) string {
	if i == nil {
		return ""
	}
	var names []string
	for _, d := range i.Details {
		name, _ := d.Loc[len(d.Loc)-1].(string)
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

func TestAllThatIsWrongIsToldInTheOrderOfTheArguments(t *testing.T) {
	_, invalid := Parse(RouteRun, "POST", "dry=maybe&show=2&cmd=x&bot=--help", url.Values{"msg": {"x"}})
	if got := locations(invalid); got != "bot cmd show dry" {
		t.Errorf("got '%s'", got)
	}
}

func TestMessagesThatAreRefused(t *testing.T) {
	for _, c := range []struct{ cmd, msg, want string }{
		{"send", "", `{"detail":[{"loc":["body","msg"],"msg":"field required","type":"value_error.missing"}]}`},
		{"send", "--help", notObject},
		{"send", "/etc/passwd", notObject},
		{"send", "[]", notObject},
		{"send", "null", notObject},
		{"process", " ", notObject},
		{"process", "{", notObject},
		{"process", "{}{}", notObject},
		{"process", "{\"a\":\"\xff\"}", notObject},
		{"process", `{"a":"` + strings.Repeat("x", 1<<17) + `"}`, `{"detail":[{"loc":["body","msg"],"msg":"the message is longer than 120 KiB","type":"value_error"}]}`},
	} {
		_, invalid := Parse(RouteRun, "POST", "bot=a&cmd="+c.cmd, url.Values{"msg": {c.msg}})
		if invalid == nil {
			t.Errorf("%s '%.20s' is taken", c.cmd, c.msg)
		} else if got := string(marshal(invalid)); got != c.want {
			t.Errorf("%s '%.20s': %s", c.cmd, c.msg, got)
		}
	}
}

const notObject = `{"detail":[{"loc":["body","msg"],"msg":"the message is not a JSON object","type":"value_error"}]}`

func TestNamesThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		route        Route
		query, where string
	}{
		{RouteBot, "action=status&id=", "id"},
		{RouteBot, "action=stop&id=-h", "id"},
		{RouteBot, "action=stop&id=a%20b", "id"},
		{RouteBot, "action=stop&id=a%0A", "id"},
		{RouteBot, "action=stop&id=%C3%A9", "id"},
		{RouteBot, "action=stop&id=a%00", "id"},
		{RouteBot, "action=stop&id=../a", "id"},
		{RouteGetLog, "lines=1&id=--help", "id"},
		{RouteClear, "id=--help", "id"},
		{RouteRun, "cmd=get&bot=--help", "bot"},
		{RouteRun, "cmd=get&bot=", "bot"},
	} {
		_, invalid := Parse(c.route, c.route.Methods()[0], c.query, nil)
		if got := locations(invalid); got != c.where || invalid.Details[0].Type != "value_error.str.regex" {
			t.Errorf("%s?%s: '%s'", c.route, c.query, got)
		}
	}
}

func TestIntegersAreReadAsPythonDoes(t *testing.T) {
	for text, want := range map[string]int{
		"0": 0, "7": 7, "+7": 7, "-1": -1, "007": 7, "-0": 0, " 7 ": 7, "\t7\n": 7, "1_000": 1000,
		"99999999999999999999": math.MaxInt, "-99999999999999999999": math.MinInt,
	} {
		if got, ok := parseInteger(text); !ok || got != want {
			t.Errorf("'%s': got %d, %v; want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"", " ", "+", "-", "x", "1.5", "1e3", "0x10", "+ 7", "--1", "_1", "1_", "1__0", "+_1", "7 7"} {
		if got, ok := parseInteger(text); ok {
			t.Errorf("'%s' is %d", text, got)
		}
	}
}

func TestBooleansAreReadAsPydanticDoes(t *testing.T) {
	for want, texts := range map[bool][]string{true: {"1", "on", "t", "true", "y", "yes", "TRUE", "Yes"}, false: {"0", "off", "f", "false", "n", "no", "OFF"}} {
		for _, text := range texts {
			if got, ok := parseFlag(text); !ok || got != want {
				t.Errorf("'%s': %v, %v", text, got, ok)
			}
		}
	}
	for _, text := range []string{"", " true", "2", "maybe", "ja", "truе"} {
		if _, ok := parseFlag(text); ok {
			t.Errorf("'%s' is taken", text)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, query := range []string{"action=status&id=a", "bot=a&cmd=send&dry=%", "file=%ff&fetch=1", "id=a&lines=%2B7", "%%&&=;", "action=\xff"} {
		for i := range table {
			f.Add(i, "GET", query, "{}")
			f.Add(i, "POST", query, "-x")
		}
	}
	f.Fuzz(func(t *testing.T, route int, method, query, message string) {
		r := table[uint(route)%uint(len(table))].route
		q, invalid := Parse(r, method, query, url.Values{"msg": {message}})
		if (q == nil) == (invalid == nil) {
			t.Fatalf("%v and %v", q, invalid)
		}
		if invalid != nil {
			if a := Unprocessable(invalid); len(invalid.Details) == 0 || checkJSON(a.Body) != nil {
				t.Fatalf("'%s'", a.Body)
			}
			return
		}
		if q.Command == nil {
			return
		}
		ours := []string{"--type", "--version", "--group", "--show-sent", "--dry", "--msg"}
		for _, argument := range intelmqctl.Arguments(q.Command) {
			if strings.HasPrefix(argument, "-") && !slices.Contains(ours, argument) && r != RouteGetLog {
				t.Fatalf("'%s' begins with a hyphen", argument)
			}
		}
	})
}
