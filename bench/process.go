package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// server is a measured process. This program's own end when their standard input is
// closed, and so with this process at the latest.
type server struct {
	command *exec.Cmd
	// input is what ends it when it is closed.
	input     io.Closer
	addresses map[string]string
}

const (
	startLimit = time.Minute
	stopLimit  = 10 * time.Second
)

// startProcess runs this program on one core, as the server or the backends, and
// waits until it listens.
func startProcess(ctx context.Context, core string, args ...string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &server{command: exec.CommandContext(ctx, "taskset", append([]string{"-c", core, self}, args...)...)}
	s.command.Stderr = os.Stderr
	s.command.WaitDelay = stopLimit
	input, err := s.command.StdinPipe()
	if err != nil {
		return nil, err
	}
	s.input = input
	output, err := s.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.command.Start(); err != nil {
		return nil, err
	}
	late := time.AfterFunc(startLimit, func() { _ = s.command.Process.Kill() })
	defer late.Stop()
	line, err := bufio.NewReader(output).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &s.addresses)
	}
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("no addresses came from it: %w", err)
	}
	return s, nil
}

// stop ends the server, if need be by force.
func (s *server) stop() {
	late := time.AfterFunc(stopLimit, func() { _ = s.command.Process.Kill() })
	defer late.Stop()
	_ = s.input.Close()
	// How it ended says nothing that the table needs.
	_ = s.command.Wait()
}

// pid is the server's: taskset becomes the program it is told to run.
func (s *server) pid() int { return s.command.Process.Pid }
