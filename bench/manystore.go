package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sallyport/sallyport/internal/fake/manykeys"
)

// manyStore is a store with the configuration of a server that has it.
type manyStore struct {
	dir    string
	made   *manykeys.Made
	client *http.Client
}

// readyLimit is how long a server may take to accept its first key.
const readyLimit = 2 * time.Minute

func newManyStore(ctx context.Context, dir string, p manykeys.Plan) (*manyStore, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	p.Now = time.Now()
	s := &manyStore{dir: dir}
	var err error
	if s.made, err = manykeys.Make(ctx, s.in("auth.db"), p); err != nil {
		return nil, err
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", s.in("http"))
	}
	s.client = &http.Client{Timeout: startLimit, Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	config, err := json.Marshal(s.configuration())
	if err != nil {
		return nil, err
	}
	return s, os.WriteFile(s.in("config.json"), config, 0o600)
}

func (s *manyStore) in(name string) string { return filepath.Join(s.dir, name) }

// configuration is that of a server with one gate, and a way to its memory.
func (s *manyStore) configuration() map[string]any {
	return map[string]any{
		"admin":   map[string]any{"listen": "unix/" + s.in("admin"), "config": map[string]any{"persist": false}},
		"storage": map[string]any{"module": "file_system", "root": s.in("caddy")},
		"logging": map[string]any{"logs": map[string]any{"default": map[string]any{"level": "ERROR"}}},
		"apps": map[string]any{
			"caddyauth": map[string]any{"store": map[string]any{"engine": "sqlite", "path": s.made.Location.Path}},
			"http": map[string]any{"grace_period": "1s", "servers": map[string]any{"gate": map[string]any{
				"listen":          []string{"unix/" + s.in("http")},
				"protocols":       []string{"h1"},
				"automatic_https": map[string]any{"disable": true},
				"routes": []any{
					map[string]any{"match": []any{map[string]any{"path": []string{"/memory"}}}, "handle": []handler{{"handler": "heap"}}, "terminal": true},
					map[string]any{"handle": []handler{{"handler": "token_auth"}, {"handler": "static_response", "body": "ok"}}},
				},
			}}},
		},
	}
}

// caddyProcess is a running `caddy run`, and what it has written.
type caddyProcess struct {
	command *exec.Cmd
	written bytes.Buffer
}

// start runs a server and returns how long it took until it accepted a key.
func (s *manyStore) start(ctx context.Context) (*caddyProcess, time.Duration, error) {
	command, err := caddyCommand(ctx, "run", "--config", s.in("config.json"))
	if err != nil {
		return nil, 0, err
	}
	p := &caddyProcess{command: command}
	command.Stderr = &p.written
	began := time.Now()
	if err := command.Start(); err != nil {
		return nil, 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	for {
		err := s.expect(ctx, s.accepted()[0], http.StatusOK)
		if err == nil {
			return p, time.Since(began), nil
		}
		select {
		case <-ctx.Done():
			err = errors.Join(fmt.Errorf("it accepts no key: %w", err), p.stop())
			return nil, 0, fmt.Errorf("%w\n%s", err, p.written.String())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (p *caddyProcess) stop() error {
	late := time.AfterFunc(stopLimit, func() { _ = p.command.Process.Kill() })
	defer late.Stop()
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return p.command.Wait()
}

// accepted are the keys that need no more than their word.
func (s *manyStore) accepted() []manykeys.Key {
	return slices.DeleteFunc(slices.Clone(s.made.Keys), func(k manykeys.Key) bool { return k.Fate != manykeys.Plain && k.Fate != manykeys.Ending })
}

// expect makes a request with a key.
func (s *manyStore) expect(ctx context.Context, k manykeys.Key, status int) error {
	response, err := s.get(ctx, "/", k.Word)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != status {
		return fmt.Errorf("key %s: status %d, want %d", k.ID, response.StatusCode, status)
	}
	return nil
}

func (s *manyStore) memory(ctx context.Context) (m memory, err error) {
	response, err := s.get(ctx, "/memory", "")
	if err != nil {
		return m, err
	}
	defer response.Body.Close()
	return m, json.NewDecoder(response.Body).Decode(&m)
}

func (s *manyStore) get(ctx context.Context, path, word string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://gate"+path, nil)
	if err != nil {
		return nil, err
	}
	if word != "" {
		request.Header.Set("Authorization", "Bearer "+word)
	}
	return s.client.Do(request)
}

// command makes a `caddy auth` on the store.
func (s *manyStore) command(ctx context.Context, args ...string) *exec.Cmd {
	args = append(append([]string{"auth"}, args...), "--config", s.in("config.json"))
	command, err := caddyCommand(ctx, args...)
	if err != nil {
		return &exec.Cmd{Err: err}
	}
	return command
}

// caddyCommand runs this program as the command caddy.
func caddyCommand(ctx context.Context, args ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, self, append([]string{asCaddy}, args...)...)
	command.WaitDelay = stopLimit
	return command, nil
}

// peakOf is the most memory that a process has had, in bytes.
func peakOf(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, rest, found := strings.Cut(string(text), "VmHWM:")
	fields := strings.Fields(rest)
	if !found || len(fields) == 0 {
		return 0, errors.New("no VmHWM in /proc")
	}
	kilobytes, err := strconv.ParseInt(fields[0], 10, 64)
	return kilobytes << 10, err
}
