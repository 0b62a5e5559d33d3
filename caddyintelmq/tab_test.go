package caddyintelmq_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

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
