//go:build unix

package chromium

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Limit is how long anything that a test waits for in the browser may take.
const Limit = 30 * time.Second

// Browser is a running Chromium, driven by its DevTools protocol: one JSON object a
// Message, a zero byte after each, over two pipes.
type Browser struct {
	cmd *exec.Cmd
	in  io.WriteCloser

	mu      sync.Mutex
	last    int
	waiting map[int]chan Message // by the number of the command
	events  map[string]func(Message)
	ended   bool
}

// Message is what either side sends: a command, its answer or an event.
type Message struct {
	ID      int             `json:"id,omitempty"`
	Session string          `json:"sessionId,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  any             `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// Read reads what an event says.
func (m Message) Read(into any) error {
	text, err := json.Marshal(m.Params)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// Start starts a browser that ends with the test, with all its processes. The test is
// skipped where there is none, but for the CI. Each of the hosts is a name and the
// address and port of this machine that it stands for, such as `ops.example
// 127.0.0.1:34567`: without a port of its own it looks as it would in earnest.
func Start(t *testing.T, hosts ...string) *Browser {
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
	c := &Browser{in: in, waiting: map[int]chan Message{}, events: map[string]func(Message){}}
	// No context: end ends it, and waits for all its processes.
	c.cmd = exec.CommandContext(context.Background(), program, flagsWith(home, hosts)...)
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

func flagsWith(home string, hosts []string) []string {
	// Names that are not of this machine, to which browsers say less by plain HTTP.
	rules := make([]string, 0, len(hosts)+1)
	for _, host := range append(slices.Clone(hosts), "*.example 127.0.0.1") {
		rules = append(rules, "MAP "+host)
	}
	flags := []string{
		"--headless", "--remote-debugging-pipe", "--user-data-dir=" + home + "/profile",
		"--no-first-run", "--no-proxy-server", "--disable-gpu", "--disable-dev-shm-usage",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
		"--host-resolver-rules=" + strings.Join(rules, ","),
		"--ignore-certificate-errors",
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
func (c *Browser) end(t *testing.T) {
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
func (c *Browser) listen(out io.Reader) {
	r := bufio.NewReader(out)
	for {
		text, err := r.ReadBytes(0)
		if err != nil {
			break
		}
		var m Message
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

func (c *Browser) deliver(m Message) {
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
func (c *Browser) send(session, method string, params any) (answer chan Message, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	answer = make(chan Message, 1)
	if c.ended {
		return nil, errors.New("chromium has ended")
	}
	c.last++
	text, err := json.Marshal(Message{ID: c.last, Session: session, Method: method, Params: params})
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
func (c *Browser) call(ctx context.Context, session, method string, params, result any) error {
	answer, err := c.send(session, method, params)
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	select {
	case m, there := <-answer:
		switch {
		case !there:
			return fmt.Errorf("%s: chromium has ended", method)
		case m.Error != nil && m.Error.Message == "Inspected target navigated or closed":
			return fmt.Errorf("%s: %w", method, errReplaced)
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

// must is call for what cannot go wrong.
func (c *Browser) must(t *testing.T, session, method string, params, result any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Limit)
	defer cancel()
	if err := c.call(ctx, session, method, params, result); err != nil {
		t.Fatal(err)
	}
}
