//go:build unix

package chromium

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"
)

// Object is what the protocol calls one: the parameters of a command.
type Object map[string]any

// Tab is a page in the browser.
type Tab struct {
	browser *Browser
	session string
	// loaded gets a word when a page has come and its scripts have run.
	loaded chan struct{}
	// whole is done when a script of the page has not caught an error; its cause is
	// that.
	whole context.Context
}

// Open opens an address in a new tab.
func (c *Browser) Open(t *testing.T, url string) *Tab {
	t.Helper()
	p := &Tab{browser: c, loaded: make(chan struct{}, 16)}
	whole, broken := context.WithCancelCause(t.Context())
	p.whole = whole
	var target struct {
		ID string `json:"targetId"`
	}
	c.must(t, "", "Target.createTarget", Object{"url": "about:blank"}, &target)
	var attached struct {
		Session string `json:"sessionId"`
	}
	c.must(t, "", "Target.attachToTarget", Object{"targetId": target.ID, "flatten": true}, &attached)
	p.session = attached.Session
	p.On("Runtime.exceptionThrown", func(m Message) {
		text, _ := json.Marshal(m.Params) // it was JSON
		broken(fmt.Errorf("the page has broken: %s", text))
	})
	p.On("Page.loadEventFired", func(Message) { p.loaded <- struct{}{} })
	p.Do(t, "Runtime.enable", Object{}, nil)
	p.Do(t, "Page.enable", Object{}, nil)
	p.Load(t, "Page.navigate", Object{"url": url})
	return p
}

// Load carries out a command that brings a page, and waits until that is there.
func (p *Tab) Load(t *testing.T, method string, params any) {
	t.Helper()
	p.Do(t, method, params, nil)
	p.untilLoaded(t, method)
}

func (p *Tab) untilLoaded(t *testing.T, by string) {
	t.Helper()
	select {
	case <-p.loaded:
	case <-time.After(Limit):
		t.Fatalf("%s: no page comes", by)
	}
}

// On has something done at each event of a kind. It must not wait.
func (p *Tab) On(event string, do func(Message)) {
	p.browser.mu.Lock()
	defer p.browser.mu.Unlock()
	p.browser.events[p.session+event] = do
}

// Do carries out a command of the protocol, and reads its result unless that is nil.
func (p *Tab) Do(t *testing.T, method string, params, result any) {
	t.Helper()
	p.browser.must(t, p.session, method, params, result)
}

// Send sends a command of the protocol, and waits for nothing. An error means that the
// browser has ended.
func (p *Tab) Send(method string, params any) error {
	_, err := p.browser.send(p.session, method, params)
	return err
}

// Broken is closed when a script of the page has not caught an error; Cause is that.
func (p *Tab) Broken() <-chan struct{} { return p.whole.Done() }

// Cause is by what the page has broken, and nil if it has not.
func (p *Tab) Cause() error { return context.Cause(p.whole) }

// Evaluate has the page work out an expression of JavaScript, and reads what comes
// out, which may be a promise.
func (p *Tab) Evaluate(ctx context.Context, expression string, into any) error {
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
	params := Object{"expression": expression, "awaitPromise": true, "returnByValue": true}
	if err := p.browser.call(ctx, p.session, "Runtime.evaluate", params, &evaluated); err != nil {
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

// Run has the page work out an expression, and waits for it if it is a promise.
func (p *Tab) Run(t *testing.T, expression string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Limit)
	defer cancel()
	if err := p.Evaluate(ctx, "Promise.resolve("+expression+").then(() => true)", nil); err != nil {
		t.Fatalf("%v\nthe page says:\n%s", err, p.Text(t))
	}
}

// Quote makes a string of JavaScript.
func Quote(text string) string {
	quoted, _ := json.Marshal(text) // a string always is one
	return string(quoted)
}

// errReplaced: another page has come while the expression was worked out.
var errReplaced = errors.New("another page has come")

// Until waits until an expression holds. It is looked at when the page has changed, and
// in the page that takes its place.
func (p *Tab) Until(t *testing.T, expression string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(p.whole, Limit)
	defer cancel()
	err := errReplaced
	for errors.Is(err, errReplaced) {
		err = p.Evaluate(ctx, `new Promise((resolve) => {
			const look = () => (`+expression+`) && (watch.disconnect(), resolve(true));
			const watch = new MutationObserver(look);
			watch.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
			look();
		})`, nil)
	}
	if err != nil {
		t.Fatalf("%s: %v\nthe page says:\n%s", expression, err, p.Text(t))
	}
}

// Text is what a reader sees.
func (p *Tab) Text(t *testing.T) (text string) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := p.Evaluate(ctx, "document.body.innerText", &text); err != nil {
		return err.Error()
	}
	return text
}

// Click presses and releases the mouse on an element.
func (p *Tab) Click(t *testing.T, selector string) {
	t.Helper()
	var at struct{ X, Y float64 }
	err := p.Evaluate(t.Context(), `(() => {
		const element = document.querySelector(`+Quote(selector)+`);
		element.scrollIntoView({ block: "center" });
		const box = element.getBoundingClientRect();
		return { X: box.x + box.width / 2, Y: box.y + box.height / 2 };
	})()`, &at)
	if err != nil {
		t.Fatalf("%v\nthe page says:\n%s", err, p.Text(t))
	}
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		p.Do(t, "Input.dispatchMouseEvent", Object{"type": kind, "x": at.X, "y": at.Y, "button": "left", "clickCount": 1}, nil)
	}
}

// Follow clicks on what leads to another page, and waits until that is there.
func (p *Tab) Follow(t *testing.T, selector string) {
	t.Helper()
	p.Click(t, selector)
	p.untilLoaded(t, selector)
}

// Write replaces what stands in a field, as a keyboard does.
func (p *Tab) Write(t *testing.T, selector, text string) {
	t.Helper()
	p.Click(t, selector)
	p.Run(t, "document.activeElement.select()")
	p.Do(t, "Input.insertText", Object{"text": text}, nil)
}

// Unbroken fails the test if a script of the page has broken.
func (p *Tab) Unbroken(t *testing.T) {
	t.Helper()
	if p.whole.Err() != nil {
		t.Error(context.Cause(p.whole))
	}
}
