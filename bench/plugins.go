package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// pluginCaddy is a Caddy of the operator's, and the cases that its plugins make.
type pluginCaddy struct {
	server *server
	// built says what it is: its version and those of its plugins.
	built string
	cases []pluginCase
	// left are the cases that are not measured, each with why.
	left []string
}

// pluginCase is a case of a group.
type pluginCase struct {
	group string
	comparison
}

// errNoPlugin: none of the plugins is built in.
var errNoPlugin = errors.New("it has neither caddy-jwt (the module " + jwtModule + ") nor caddy-security (the module " +
	securityModule + "); build it with one of them: xcaddy build --with github.com/ggicci/caddy-jwt --with github.com/greenpau/caddy-security")

// startPlugins runs such a Caddy on one core.
func startPlugins(ctx context.Context, f *files, core, path string) (*pluginCaddy, error) {
	path, err := exec.LookPath(path)
	if err != nil {
		return nil, err
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	modules, err := runPeer(ctx, f, path, "list-modules", "--versions")
	if err != nil {
		return nil, err
	}
	has := readModules(modules)
	if len(has) == 0 {
		return nil, errNoPlugin
	}
	version, err := runPeer(ctx, f, path, "version")
	if err != nil {
		return nil, err
	}
	word, _, _ := strings.Cut(version, " ")
	c := &pluginCaddy{built: "Caddy " + strings.TrimSpace(word)}
	set := newPluginSet(f, has)
	for _, module := range pluginModules {
		if v, ok := has[module]; ok {
			c.built += ", " + strings.TrimSpace(pluginNames[module]+" "+v)
		}
	}
	if err := set.prepare(ctx, path); err != nil {
		return nil, err
	}
	if c.server, err = set.start(ctx, core, path); err != nil {
		return nil, err
	}
	c.cases = set.cases(c.server)
	return c, nil
}

// readModules finds the plugins that are measured in what `caddy list-modules` says,
// each with its version.
func readModules(text string) map[string]string {
	has := map[string]string{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) > 0 && slices.Contains(pluginModules, words[0]) {
			has[words[0]] = strings.Join(words[1:], " ")
		}
	}
	return has
}

// print says what was measured, and what was not.
func (c *pluginCaddy) print(w io.Writer) {
	if c == nil {
		return
	}
	fmt.Fprintf(w, "The plugins ran in %s.\n", c.built)
	for _, why := range c.left {
		fmt.Fprintf(w, "- Not measured: %s.\n", why)
	}
}

// peerLimit is how long such a Caddy may take for a command.
const peerLimit = time.Minute

// runPeer runs a command of the operator's Caddy, and returns what it says.
func runPeer(ctx context.Context, f *files, path string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, peerLimit)
	defer cancel()
	command := exec.CommandContext(ctx, path, args...)
	command.Env = peerEnvironment(f)
	var said, complained bytes.Buffer
	command.Stdout, command.Stderr = &said, &complained
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("'caddy %s': %w: %s", args[0], err, complained.String())
	}
	return said.String(), nil
}

// peerEnvironment keeps what it writes in the directory of the run.
func peerEnvironment(f *files) []string {
	home := f.in("peer")
	return append(os.Environ(), "HOME="+home, "XDG_DATA_HOME="+home, "XDG_CONFIG_HOME="+home)
}

// terminated ends a process that does not look at its standard input.
type terminated struct{ process *os.Process }

// Close asks it to end.
func (t terminated) Close() error { return t.process.Signal(syscall.SIGTERM) }

// start runs the plugins' Caddy and waits until all sites listen.
func (s *pluginSet) start(ctx context.Context, core, path string) (*server, error) {
	p := &server{addresses: s.addresses}
	p.command = exec.CommandContext(ctx, "taskset", "-c", core, path, "run", "--config", s.caddyfile(), "--adapter", "caddyfile")
	p.command.Env = peerEnvironment(s.files)
	// Its log goes to nowhere by its configuration; what comes before that is of no
	// interest, since the configuration was tried.
	p.command.Cancel = func() error { return p.command.Process.Signal(syscall.SIGTERM) }
	p.command.WaitDelay = stopLimit
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	p.input = terminated{p.command.Process}
	if err := p.listening(ctx); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// listening waits until all addresses are listened at.
func (s *server) listening(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for _, address := range s.addresses {
		for {
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
			if err == nil {
				_ = conn.Close()
				break
			}
			if pause(ctx, 50*time.Millisecond) != nil {
				return fmt.Errorf("it does not listen at %s: %w", address, err)
			}
		}
	}
	return nil
}
