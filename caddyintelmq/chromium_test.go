package caddyintelmq_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// browserLimit is how long anything that a test waits for in the browser may take.
const browserLimit = 30 * time.Second

// chromium is a Chromium without a window, driven by its DevTools protocol: one JSON
// object a message, a zero byte after each, over two pipes.
type chromium struct {
	cmd *exec.Cmd
	in  io.WriteCloser

	mu      sync.Mutex
	last    int
	waiting map[int]chan message // by the number of the command
	events  map[string]func(message)
	ended   bool
}

// message is what either side sends: a command, its answer or an event.
type message struct {
	ID      int             `json:"id,omitempty"`
	Session string          `json:"sessionId,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  any             `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// read reads what an event says.
func (m message) read(into any) error {
	text, err := json.Marshal(m.Params)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// startChromium starts one that ends with the test, with all its processes. The test
// is skipped where there is none, but for the CI.
func startChromium(t *testing.T) *chromium {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("install chromium to have this tested")
	}
	commands, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, answers, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	c := &chromium{in: in, waiting: map[int]chan message{}, events: map[string]func(message){}}
	// No context: end ends it, and waits for all its processes.
	c.cmd = exec.CommandContext(context.Background(), program, chromiumFlags(home)...)
	c.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_CONFIG_HOME=" + home, "XDG_CACHE_HOME=" + home}
	c.cmd.ExtraFiles = []*os.File{commands, answers} // 3 and 4, as --remote-debugging-pipe has them
	// A group of its own, by which all its processes can be ended. If the test is
	// killed they end with the pipes.
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = commands.Close(), answers.Close()
	read := make(chan struct{})
	go func() { defer close(read); c.listen(out) }()
	t.Cleanup(func() {
		c.end(t)
		_ = out.Close()
		<-read
	})
	return c
}

func chromiumFlags(home string) []string {
	flags := []string{
		"--headless", "--remote-debugging-pipe", "--user-data-dir=" + home + "/profile",
		"--no-first-run", "--no-proxy-server", "--disable-gpu", "--disable-dev-shm-usage",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
		// A page behind another one keeps its pace.
		"--disable-background-timer-throttling", "--disable-renderer-backgrounding",
	}
	// Root cannot have the sandbox, and the machines of a CI may not let anybody
	// have it. The only page is ours.
	if os.Geteuid() == 0 || os.Getenv("CI") != "" {
		flags = append(flags, "--no-sandbox")
	}
	return flags
}

// end ends all processes, and waits for those that have become our children.
func (c *chromium) end(t *testing.T) {
	t.Helper()
	group := c.cmd.Process.Pid
	if err := syscall.Kill(-group, syscall.SIGKILL); err != nil {
		t.Errorf("ending chromium: %v", err)
	}
	_, _ = c.in.Close(), c.cmd.Wait() // it was killed
	for {
		if _, err := syscall.Wait4(-group, nil, 0, nil); err != nil && !errors.Is(err, syscall.EINTR) {
			return
		}
	}
}

// listen takes what the browser says until it ends.
func (c *chromium) listen(out io.Reader) {
	r := bufio.NewReader(out)
	for {
		text, err := r.ReadBytes(0)
		if err != nil {
			break
		}
		var m message
		if json.Unmarshal(text[:len(text)-1], &m) == nil {
			c.deliver(m)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	for _, answer := range c.waiting {
		close(answer)
	}
	clear(c.waiting)
}

func (c *chromium) deliver(m message) {
	c.mu.Lock()
	answer, event := c.waiting[m.ID], c.events[m.Session+m.Method]
	delete(c.waiting, m.ID)
	c.mu.Unlock()
	switch {
	case answer != nil:
		answer <- m
	case event != nil:
		event(m)
	}
}

// send sends a command, whose answer will come.
func (c *chromium) send(session, method string, params any) (answer chan message, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	answer = make(chan message, 1)
	if c.ended {
		return nil, errors.New("chromium has ended")
	}
	c.last++
	text, err := json.Marshal(message{ID: c.last, Session: session, Method: method, Params: params})
	if err != nil {
		return nil, err
	}
	if _, err := c.in.Write(append(text, 0)); err != nil {
		return nil, err
	}
	c.waiting[c.last] = answer
	return answer, nil
}

// call has a command carried out, and reads its result.
func (c *chromium) call(ctx context.Context, session, method string, params, result any) error {
	answer, err := c.send(session, method, params)
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	select {
	case m, there := <-answer:
		switch {
		case !there:
			return fmt.Errorf("%s: chromium has ended", method)
		case m.Error != nil:
			return fmt.Errorf("%s: %s", method, m.Error.Message)
		case result == nil:
			return nil
		}
		return json.Unmarshal(m.Result, result)
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", method, context.Cause(ctx))
	}
}

// object is what the protocol calls one.
type object map[string]any

// tab is a page in the browser.
type tab struct {
	*chromium
	session string
	// loaded gets a word when a page has come and its scripts have run.
	loaded chan struct{}
	// whole is done when a script of the page has not caught an error; its cause is
	// that.
	whole context.Context
}

// open opens an address in a new tab.
func (c *chromium) open(t *testing.T, url string) *tab {
	t.Helper()
	p := &tab{chromium: c, loaded: make(chan struct{}, 16)}
	whole, broken := context.WithCancelCause(t.Context())
	p.whole = whole
	var target struct {
		ID string `json:"targetId"`
	}
	c.must(t, "", "Target.createTarget", object{"url": "about:blank"}, &target)
	var attached struct {
		Session string `json:"sessionId"`
	}
	c.must(t, "", "Target.attachToTarget", object{"targetId": target.ID, "flatten": true}, &attached)
	p.session = attached.Session
	p.on("Runtime.exceptionThrown", func(m message) {
		text, _ := json.Marshal(m.Params) // it was JSON
		broken(fmt.Errorf("the page has broken: %s", text))
	})
	p.on("Page.loadEventFired", func(message) { p.loaded <- struct{}{} })
	p.do(t, "Runtime.enable", object{}, nil)
	p.do(t, "Page.enable", object{}, nil)
	p.load(t, "Page.navigate", object{"url": url})
	return p
}

// load carries out a command that brings a page, and waits until that is there.
func (p *tab) load(t *testing.T, method string, params any) {
	t.Helper()
	p.do(t, method, params, nil)
	select {
	case <-p.loaded:
	case <-time.After(browserLimit):
		t.Fatalf("%s: no page comes", method)
	}
}

// must is call for what cannot go wrong.
func (c *chromium) must(t *testing.T, session, method string, params, result any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), browserLimit)
	defer cancel()
	if err := c.call(ctx, session, method, params, result); err != nil {
		t.Fatal(err)
	}
}

// on has something done at each event of a kind. It must not wait.
func (p *tab) on(event string, do func(message)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events[p.session+event] = do
}

func (p *tab) do(t *testing.T, method string, params, result any) {
	t.Helper()
	p.must(t, p.session, method, params, result)
}

// evaluate has the page work out an expression of JavaScript, and reads what comes
// out, which may be a promise.
func (p *tab) evaluate(ctx context.Context, expression string, into any) error {
	var evaluated struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
		Exception *struct {
			Text      string `json:"text"`
			Exception struct {
				Description string `json:"description"`
			} `json:"exception"`
		} `json:"exceptionDetails"`
	}
	params := object{"expression": expression, "awaitPromise": true, "returnByValue": true}
	if err := p.call(ctx, p.session, "Runtime.evaluate", params, &evaluated); err != nil {
		return err
	}
	if e := evaluated.Exception; e != nil {
		return fmt.Errorf("%s: %s %s", expression, e.Text, e.Exception.Description)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(evaluated.Result.Value, into)
}

// run has the page work out an expression, and waits for it if it is a promise.
func (p *tab) run(t *testing.T, expression string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), browserLimit)
	defer cancel()
	if err := p.evaluate(ctx, "Promise.resolve("+expression+").then(() => true)", nil); err != nil {
		t.Fatalf("%v\nthe page says:\n%s", err, p.text(t))
	}
}

// quote makes a string of JavaScript.
func quote(text string) string {
	quoted, _ := json.Marshal(text) // a string always is one
	return string(quoted)
}

// until waits until an expression holds. It is looked at when the page has changed.
func (p *tab) until(t *testing.T, expression string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(p.whole, browserLimit)
	defer cancel()
	err := p.evaluate(ctx, `new Promise((resolve) => {
		const look = () => (`+expression+`) && (watch.disconnect(), resolve(true));
		const watch = new MutationObserver(look);
		watch.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
		look();
	})`, nil)
	if err != nil {
		t.Fatalf("%s: %v\nthe page says:\n%s", expression, err, p.text(t))
	}
}

// text is what a reader sees.
func (p *tab) text(t *testing.T) (text string) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := p.evaluate(ctx, "document.body.innerText", &text); err != nil {
		return err.Error()
	}
	return text
}

// click presses and releases the mouse on an element.
func (p *tab) click(t *testing.T, selector string) {
	t.Helper()
	var at struct{ X, Y float64 }
	err := p.evaluate(t.Context(), `(() => {
		const element = document.querySelector(`+quote(selector)+`);
		element.scrollIntoView({ block: "center" });
		const box = element.getBoundingClientRect();
		return { X: box.x + box.width / 2, Y: box.y + box.height / 2 };
	})()`, &at)
	if err != nil {
		t.Fatalf("%v\nthe page says:\n%s", err, p.text(t))
	}
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		p.do(t, "Input.dispatchMouseEvent", object{"type": kind, "x": at.X, "y": at.Y, "button": "left", "clickCount": 1}, nil)
	}
}

// write replaces what stands in a field, as a keyboard does.
func (p *tab) write(t *testing.T, selector, text string) {
	t.Helper()
	p.click(t, selector)
	p.run(t, "document.activeElement.select()")
	p.do(t, "Input.insertText", object{"text": text}, nil)
}

// unbroken fails the test if a script of the page has broken.
func (p *tab) unbroken(t *testing.T) {
	t.Helper()
	if p.whole.Err() != nil {
		t.Error(context.Cause(p.whole))
	}
}
