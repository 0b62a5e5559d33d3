package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// The names are relative: the path of a unix socket may have only about a
// hundred bytes, wherever the repository is.
const (
	folder         = ".demo"
	caddyBinary    = "bin/caddy"
	configFile     = folder + "/Caddyfile"
	logFile        = folder + "/caddy.log"
	outputFile     = folder + "/caddy.out"
	rootFile       = folder + "/root.crt"
	storageRoot    = folder + "/storage/pki/authorities/local/root.crt"
	upstreamSocket = folder + "/upstream.sock"
	pepperFile     = folder + "/pepper"
	firstHeader    = folder + "/first.header"
	secondHeader   = folder + "/second.header"
	actingHeader   = folder + "/acting.header"
	xsrfHeader     = folder + "/xsrf.header"
	loginFile      = folder + "/login.json"
	loginAnswer    = folder + "/login.answer"
	cookieFile     = folder + "/cookies"
	accessFile     = folder + "/access"
	officeHeader   = folder + "/office.header"
)

// commandLimit is how long a command that sets the demo up may take.
const commandLimit = time.Minute

// checkFolder reports an error if this is not the repository's folder, with the
// binary, or if a demo is running in it.
func checkFolder() error {
	if _, err := os.Stat(caddyBinary); err != nil {
		return fmt.Errorf("%w; start the demo by `make demo` in the repository's folder, which builds it", err)
	}
	if c, err := net.DialTimeout("unix", upstreamSocket, time.Second); err == nil {
		_ = c.Close()
		return errors.New("a demo is running in this folder already; end it first")
	}
	return nil
}

// makeFolder makes the demo's folder anew, with configuration, users and key.
func makeFolder(ctx context.Context, s site) error {
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(configFile, []byte(s.caddyfile()), 0o600); err != nil {
		return err
	}
	if err := makeAdministrator(); err != nil {
		return err
	}
	if err := makeUser(ctx); err != nil {
		return err
	}
	if _, err := caddyAuth(ctx, "", "user", "add", "visitor"); err != nil {
		return err
	}
	key, err := caddyAuth(ctx, "", "key", "issue", "demo/first")
	if err != nil {
		return err
	}
	return os.WriteFile(firstHeader, append([]byte("Authorization: Bearer "), key...), 0o600)
}

// makeUser makes the store and the user demo, whose password stands in log-ins
// that curl can send.
func makeUser(ctx context.Context) error {
	password := rand.Text()
	if _, err := caddyAuth(ctx, password, "user", "add", "demo", "--password", "--create"); err != nil {
		return err
	}
	login := fmt.Sprintf(`{"user": "demo", "password": "%s"}`, password)
	if err := os.WriteFile(loginFile, []byte(login+"\n"), 0o600); err != nil {
		return err
	}
	return os.WriteFile(intelmqLogin, []byte("username=demo&password="+password), 0o600)
}

// caddyAuth runs `caddy auth` with an input and returns what it writes to
// standard output.
func caddyAuth(ctx context.Context, input string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, commandLimit)
	defer cancel()
	cmd, err := caddyCommand(ctx, append([]string{"auth", "--config", configFile}, args...)...)
	if err != nil {
		return nil, err
	}
	var talk bytes.Buffer
	cmd.Stdin, cmd.Stderr = strings.NewReader(input), &talk
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%v: %w\n%s", cmd.Args, err, talk.Bytes())
	}
	return out, nil
}

// caddyCommand prepares a run of Caddy which keeps what it writes inside the
// folder, and gets nothing of the environment that could change the demo.
func caddyCommand(ctx context.Context, args ...string) (*exec.Cmd, error) {
	home, err := filepath.Abs(folder + "/home")
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "./"+caddyBinary, args...)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home,
		"XDG_DATA_HOME=" + home, "XDG_CONFIG_HOME=" + home, "XDG_CACHE_HOME=" + home,
	}
	own(cmd)
	return cmd, nil
}
