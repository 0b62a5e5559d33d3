package caddyintelmq_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "github.com/sallyport/sallyport"
	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/chromium"
	"github.com/sallyport/sallyport/internal/fake/intelmqctl"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/store"
)

const (
	pageUser     = "operator"
	pagePassword = "Sieben Kamele & ein Zelt"
)

// TestABrowserWorksWithTheEndpoint drives the page in testdata/page as an operator
// does, with mouse and keyboard.
func TestABrowserWorksWithTheEndpoint(t *testing.T) {
	browser := chromium.Start(t)
	botnet, url := servePage(t, "")
	p := openTab(t, browser, url)

	p.logIn(t, "mistyped")
	p.Until(t, `$("#message").textContent === "Invalid username and/or password."`)
	p.logIn(t, pagePassword)
	for _, id := range []string{"csv-parser", "dedup-expert", "file-collector", "file-output"} {
		p.untilStatus(t, id, "stopped")
	}
	p.untilStatus(t, "taxonomy-expert", "disabled")

	p.Click(t, "#bot-csv-parser .start")
	p.untilStatus(t, "csv-parser", "running")
	p.untilNextStatus(t)
	p.untilStatus(t, "csv-parser", "running")
	if n := len(botnet.Processes("csv-parser")); n != 1 {
		t.Errorf("the bot has %d processes, want 1", n)
	}

	// The answers are so fast that the page asks as often as it can.
	p.Until(t, `$("#queues-pause").textContent === "900"`)
	botnet.Fill("dedup-expert-queue", `{"n":1}`, `{"n":2}`)
	p.Until(t, `$("#bot-dedup-expert .queue").textContent === "2"`)

	p.Write(t, "#bot-csv-parser .description", "Liest CSV – täglich")
	p.Click(t, "#bot-dedup-expert .right")
	p.Click(t, "#save")
	p.Until(t, `$("#message").textContent === "Saved. Bots that were reloaded: 2."`)
	expectInFile(t, botnet.Path("etc/runtime.yaml"), "description: Liest CSV – täglich")
	expectInFile(t, botnet.Path("etc/manager/positions.conf"), "\"dedup-expert\": {\n        \"x\": 10,")
	reloaded := argumentsOf(botnet, "reload")
	slices.Sort(reloaded)
	if want := []string{"--type json reload csv-parser", "--type json reload dedup-expert"}; !slices.Equal(reloaded, want) {
		t.Errorf("reloaded was %q, want %q", reloaded, want)
	}

	p.Click(t, "#bot-csv-parser .stop")
	p.untilStatus(t, "csv-parser", "stopped")
	p.untilNextStatus(t)
	p.untilStatus(t, "csv-parser", "stopped")
	if n := len(botnet.Processes("csv-parser")); n != 0 {
		t.Errorf("the bot has %d processes, want none", n)
	}
	p.Unbroken(t)
}

// TestAFileThatCannotBeSavedIsToldToTheOperator in the words of the endpoint.
func TestAFileThatCannotBeSavedIsToldToTheOperator(t *testing.T) {
	browser := chromium.Start(t)
	botnet, url := servePage(t, "")
	p := openTab(t, browser, url)
	p.logIn(t, pagePassword)
	p.untilStatus(t, "csv-parser", "stopped")
	p.Until(t, `positions`)
	p.Click(t, "#bot-csv-parser .right")
	if err := os.Remove(botnet.Path("etc/runtime.yaml")); err != nil {
		t.Fatal(err)
	}
	p.Click(t, "#save")
	p.Until(t, `$("#message").textContent.includes("runtime.yaml")`)
	if reloaded := argumentsOf(botnet, "reload"); len(reloaded) > 0 {
		t.Errorf("nothing was saved, and yet there was %q", reloaded)
	}
	p.Unbroken(t)
}

// TestAPageIsNotBrokenByAFastStatus: it is if the status comes before runtime, which
// it does from memory if nobody holds it back.
func TestAPageIsNotBrokenByAFastStatus(t *testing.T) {
	browser := chromium.Start(t)
	_, url := servePage(t, "")
	p := openTab(t, browser, url)
	p.logIn(t, pagePassword)
	p.untilStatus(t, "csv-parser", "stopped")
	p.delayFiles(t)
	for range 3 {
		p.Load(t, "Page.reload", chromium.Object{})
		p.untilStatus(t, "csv-parser", "stopped")
	}
	p.Unbroken(t)
}

// TestAPageIsNotBrokenByTheFirstStatus: for the first runtime intelmqctl has to be
// asked where it is, which takes as long as the status.
func TestAPageIsNotBrokenByTheFirstStatus(t *testing.T) {
	browser := chromium.Start(t)
	botnet, url := servePage(t, "processes 4")
	botnet.Switch("stall=300ms")
	p := openTab(t, browser, url)
	p.delayFiles(t)
	p.logIn(t, pagePassword)
	p.untilStatus(t, "csv-parser", "stopped")
	p.Unbroken(t)
}

// delayFiles makes requests for files of the configuration come later than those that
// follow them, as a network may.
func (p botnetTab) delayFiles(t *testing.T) {
	t.Helper()
	p.On("Fetch.requestPaused", func(m chromium.Message) {
		var paused struct {
			ID string `json:"requestId"`
		}
		if m.Read(&paused) == nil {
			time.AfterFunc(20*time.Millisecond, func() {
				// An error means that the test is over.
				_ = p.Send("Fetch.continueRequest", chromium.Object{"requestId": paused.ID})
			})
		}
	})
	p.Do(t, "Fetch.enable", chromium.Object{"patterns": []chromium.Object{{"urlPattern": "*/runtime"}, {"urlPattern": "*/positions"}}}, nil)
}

// TestThePageBreaksAsTheRealOneDoes shows that the test above can fail: runtime is
// held back until the status has come.
func TestThePageBreaksAsTheRealOneDoes(t *testing.T) {
	browser := chromium.Start(t)
	_, url := servePage(t, "")
	p := openTab(t, browser, url)
	p.Do(t, "Fetch.enable", chromium.Object{"patterns": []chromium.Object{{"urlPattern": "*/runtime"}}}, nil)
	p.logIn(t, pagePassword)
	select {
	case <-p.Broken():
		if err := p.Cause(); !strings.Contains(err.Error(), "TypeError") {
			t.Errorf("the page has broken by something else: %v", err)
		}
	case <-time.After(chromium.Limit):
		t.Error("the page has not broken")
	}
}

// TestAPageOfAnotherSiteChangesNothing, though a browser here may ask and nobody has
// to log in.
func TestAPageOfAnotherSiteChangesNothing(t *testing.T) {
	browser := chromium.Start(t)
	botnet, url := servePage(t, "insecure_no_auth")
	start := chromium.Quote(url + "intelmq/v1/api/bot?action=start&id=csv-parser")
	// The same server by another name is another site.
	p := openTab(t, browser, strings.Replace(url, "127.0.0.1", "localhost", 1))
	for _, way := range []string{
		`new Promise((done) => { const i = new Image(); i.onload = i.onerror = done; i.src = ` + start + ` })`,
		`fetch(` + start + `, { mode: "no-cors" })`,
		`fetch(` + start + `).catch(() => {})`,
	} {
		p.Run(t, way)
	}
	p.Load(t, "Runtime.evaluate", chromium.Object{"expression": "location = " + start})
	if made := argumentsOf(botnet, "start"); len(made) > 0 {
		t.Fatalf("a page of another site has done %q", made)
	}
	openTab(t, browser, url).Run(t, `fetch(`+start+`)`)
	if made := argumentsOf(botnet, "start"); len(made) != 1 {
		t.Errorf("the page of this site has done %q, want one start", made)
	}
}

// TestAPageThatHidesWhereItIsChangesNothing by plain HTTP, where browsers do not say
// by themselves from which site they ask.
func TestAPageThatHidesWhereItIsChangesNothing(t *testing.T) {
	browser := chromium.Start(t)
	botnet, url := servePage(t, "insecure_no_auth")
	url = strings.Replace(url, "127.0.0.1", "sensor.example", 1)
	start := url + "intelmq/v1/api/bot?action=start&id=csv-parser"
	p := openTab(t, browser, strings.Replace(url, "sensor.example", "other.example", 1))
	p.Run(t, `new Promise((done) => {
		const i = new Image();
		i.referrerPolicy = "no-referrer";
		i.onload = i.onerror = done;
		i.src = `+chromium.Quote(start)+`;
	})`)
	p.Run(t, `fetch(`+chromium.Quote(start)+`, { mode: "no-cors", referrerPolicy: "no-referrer" })`)
	p.Run(t, `fetch(`+chromium.Quote(start)+`, { headers: { "X-Requested-With": "XMLHttpRequest" }, referrerPolicy: "no-referrer" }).catch(() => {})`)
	if made := argumentsOf(botnet, "start"); len(made) > 0 {
		t.Fatalf("a page of another site has done %q", made)
	}
	own := openTab(t, browser, url)
	own.Run(t, `fetch(`+chromium.Quote(start)+`)`)
	own.Run(t, `fetch(`+chromium.Quote(start)+`, { headers: { "X-Requested-With": "XMLHttpRequest" }, referrerPolicy: "no-referrer" })`)
	if made := argumentsOf(botnet, "start"); len(made) != 2 {
		t.Errorf("the page of this site has done %q, want two starts", made)
	}
}

// TestALinkInAMailChangesNothing: a browser tells it from a typed address as little
// as we can.
func TestALinkInAMailChangesNothing(t *testing.T) {
	browser := chromium.Start(t)
	botnet, url := servePage(t, "insecure_no_auth")
	p := openTab(t, browser, url+"intelmq/v1/api/bot?action=start&id=csv-parser")
	if text := p.Text(t); !strings.Contains(text, "pages of another site cannot change anything here") {
		t.Errorf("it is answered with %s", text)
	}
	if made := argumentsOf(botnet, "start"); len(made) > 0 {
		t.Errorf("a link has done %q", made)
	}
	if text := openTab(t, browser, url+"intelmq/v1/api/bot?action=status&id=csv-parser").Text(t); !strings.Contains(text, `"stopped"`) {
		t.Errorf("a link that changes nothing is answered with %s", text)
	}
}

// TestAPageOfAnotherSiteReadsNothing of what is open to those who reach it.
func TestAPageOfAnotherSiteReadsNothing(t *testing.T) {
	browser := chromium.Start(t)
	_, url := servePage(t, "insecure_no_auth")
	read := `fetch(` + chromium.Quote(url+"intelmq/v1/api/runtime") + `).then((r) => r.text()).catch(() => "")`
	var got string
	p := openTab(t, browser, strings.Replace(url, "127.0.0.1", "localhost", 1))
	if err := p.Evaluate(t.Context(), read, &got); err != nil || got != "" {
		t.Errorf("a page of another site reads %v\n%s", err, got)
	}
	if err := openTab(t, browser, url).Evaluate(t.Context(), read, &got); err != nil || !strings.Contains(got, "csv-parser") {
		t.Errorf("the page of this site reads %v\n%s", err, got)
	}
}

// botnetTab is a tab with the page in testdata/page.
type botnetTab struct{ *chromium.Tab }

func openTab(t *testing.T, browser *chromium.Browser, url string) botnetTab {
	t.Helper()
	return botnetTab{browser.Open(t, url)}
}

// servePage serves the page and the endpoint, with a line of its block, on one site,
// with a botnet and a user.
func servePage(t *testing.T, option string) (botnet *intelmqctl.Botnet, url string) {
	t.Helper()
	botnet = intelmqctl.Start(t)
	page, err := filepath.Abs("testdata/page")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	addOperator(t, filepath.Join(dir, "auth.db"))
	server := caddyrun.Start(t, `{
	caddyauth {
		store sqlite `+dir+`/auth.db
	}
}
http://:0 {
	intelmq /intelmq {
		command `+botnet.Command+`
		allowed_path `+botnet.Path("var/lib/bots")+`
		`+option+`
	}
	root * `+page+`
	file_server
}`)
	return botnet, server.URL + "/"
}

// addOperator makes a store with the user of the page in it.
func addOperator(t *testing.T, path string) {
	t.Helper()
	location, err := store.NewLocation("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := identity.Open(t.Context(), identity.Config{Location: location, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.AddUser(t.Context(), "test", identity.NewUser{Username: pageUser}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.SetPassword(t.Context(), "test", pageUser, pagePassword); err != nil {
		t.Fatal(err)
	}
}

func (p botnetTab) logIn(t *testing.T, password string) {
	t.Helper()
	p.Write(t, "#login [name=username]", pageUser)
	p.Write(t, "#login [name=password]", password)
	p.Click(t, "#login button")
}

func (p botnetTab) untilStatus(t *testing.T, id, status string) {
	t.Helper()
	p.Until(t, `$("#bot-`+id+` .status")?.textContent === `+chromium.Quote(status))
}

// untilNextStatus waits until the page has polled the status once more. It takes no
// answer to what it has asked before it asked for something else.
func (p botnetTab) untilNextStatus(t *testing.T) {
	t.Helper()
	var seen int
	if err := p.Evaluate(t.Context(), `Number($("#botnet-answers").textContent)`, &seen); err != nil {
		t.Fatal(err)
	}
	p.Until(t, `Number($("#botnet-answers").textContent) > `+strconv.Itoa(seen))
}

// argumentsOf are the calls so far of a command.
func argumentsOf(botnet *intelmqctl.Botnet, command string) (lines []string) {
	for _, c := range botnet.Calls() {
		if slices.Contains(c.Arguments, command) {
			lines = append(lines, strings.Join(c.Arguments, " "))
		}
	}
	return lines
}

func expectInFile(t *testing.T, path, part string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), part) {
		t.Errorf("%s lacks %s:\n%s", path, part, text)
	}
}
