package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

const (
	// startLimit is how long Caddy may take until it answers.
	startLimit = 30 * time.Second
	// stopLimit is how long Caddy may take to end when it was asked to.
	stopLimit = 10 * time.Second
	// tailLines is how much of a log an error shows.
	tailLines = 12
)

// serve runs application, provider, cced, botnet and Caddy, and work when all are ready. The
// channel tells work that Caddy has ended by itself. When serve returns, all have
// ended.
func serve(ctx context.Context, s site, work func(ended <-chan error) error) (err error) {
	stopUpstream, err := startUpstream()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopUpstream()) }()
	stopProvider, err := startProvider()
	if err != nil {
		return err
	}
	defer stopProvider()
	stopCCED, err := startCCED()
	if err != nil {
		return err
	}
	defer stopCCED()
	stopBotnet, err := startBotnet()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopBotnet()) }()
	ended, stopCaddy, err := startCaddy()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopCaddy()) }()
	if err := s.waitReady(ctx, ended); err != nil {
		return err
	}
	return work(ended)
}

// startCaddy starts Caddy. If it ends before stop asks it to, ended says why.
func startCaddy() (ended <-chan error, stop func() error, err error) {
	// What Caddy says before it has read its configuration, or when it panics.
	output, err := os.OpenFile(outputFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, err
	}
	defer output.Close()
	// No context: this process is ended by stop, which gives it time.
	cmd, err := caddyCommand(context.Background(), "run", "--config", configFile)
	if err != nil {
		return nil, nil, err
	}
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		return nil, nil, fmt.Errorf("caddy: %w", err)
	}
	died, gone := make(chan error, 1), make(chan struct{})
	go func() {
		died <- fmt.Errorf("caddy has ended by itself: %s\n%s", exitText(cmd.Wait()), logTails())
		close(gone)
	}()
	return died, func() error { return stopProcess(cmd, gone) }, nil
}

func exitText(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}

// stopProcess ends a process, by force if it takes too long.
func stopProcess(cmd *exec.Cmd, gone <-chan struct{}) error {
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-gone:
		return nil
	case <-time.After(stopLimit):
	}
	err := fmt.Errorf("caddy did not end within %v and was killed\n%s", stopLimit, logTails())
	err = errors.Join(err, cmd.Process.Kill())
	<-gone
	return err
}

// waitReady waits until the site answers on all its addresses, and leaves the
// root certificate beside the Caddyfile.
func (s site) waitReady(ctx context.Context, ended <-chan error) error {
	deadline := time.After(startLimit)
	for {
		err := s.probe(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.New("interrupted")
		case err := <-ended:
			return err
		case <-deadline:
			return fmt.Errorf("caddy does not answer after %v: %w\n%s", startLimit, err, logTails())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (s site) probe(ctx context.Context) error {
	root, err := os.ReadFile(storageRoot)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(root) {
		return fmt.Errorf("%s has no certificate", storageRoot)
	}
	for _, host := range s.hosts {
		if err := s.probeHost(ctx, host, roots); err != nil {
			return err
		}
	}
	return os.WriteFile(rootFile, root, 0o600)
}

func (s site) probeHost(ctx context.Context, host string, roots *x509.CertPool) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	port := strconv.Itoa(s.port)
	client := http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(host, port))
		},
		TLSClientConfig:   &tls.Config{RootCAs: roots},
		DisableKeepAlives: true,
	}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, siteURL(s.port, "/"), nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers with status %d", r.URL, answer.StatusCode)
	}
	return nil
}

// logTails is the end of what Caddy has logged and said.
func logTails() string {
	var tails []byte
	for _, name := range []string{outputFile, logFile} {
		text, err := os.ReadFile(name)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				tails = fmt.Appendf(tails, "%v\n", err)
			}
			continue
		}
		tails = fmt.Appendf(tails, "the end of %s:\n%s\n", name, tail(text, tailLines))
	}
	return string(tails)
}

// tail returns the last n lines.
func tail(text []byte, n int) []byte {
	lines := bytes.Split(bytes.TrimRight(text, "\n"), []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-n):], []byte("\n"))
}
