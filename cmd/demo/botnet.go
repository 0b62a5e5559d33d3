package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/sallyport/sallyport/internal/fake/intelmqctl"
)

const (
	botnetFolder = folder + "/intelmq"
	// intelmqLogin is a form with user name and password, intelmqAnswer what is
	// answered to that, intelmqHeader has the token.
	intelmqLogin  = folder + "/intelmq.login"
	intelmqAnswer = folder + "/intelmq.answer"
	intelmqHeader = folder + "/intelmq.header"
	// runtimeFile and runtimeChanged are the configuration of the bots before and
	// after a change, runtimeTag is the ETag of the former.
	runtimeFile    = folder + "/runtime.json"
	runtimeChanged = folder + "/runtime.changed"
	runtimeTag     = folder + "/runtime.etag"
)

// startBotnet makes the botnet of the stand-in for IntelMQ, and this program its
// intelmqctl. All bots are stopped. Bots outlive Caddy, as they should; the function
// it returns ends them.
func startBotnet() (stop func() error, err error) {
	program, err := os.Executable()
	if err == nil {
		err = intelmqctl.Create(botnetFolder)
	}
	if err != nil {
		return nil, fmt.Errorf("stand-in for IntelMQ: %w", err)
	}
	command, err := intelmqctl.Install(program, botnetFolder)
	if err != nil {
		return nil, fmt.Errorf("stand-in for IntelMQ: %w", err)
	}
	stopReaping, err := intelmqctl.AdoptBots(botnetFolder)
	if err != nil {
		return nil, fmt.Errorf("stand-in for IntelMQ: %w", err)
	}
	stopBots, err := startKeeper(command)
	if err != nil {
		stopReaping()
		return nil, fmt.Errorf("stand-in for IntelMQ: %w", err)
	}
	return func() error {
		err := stopBots()
		stopReaping()
		return errors.Join(err, checkNoProcess())
	}, nil
}

// startKeeper starts a shell that stops the bots when its input ends: by stop, or
// since this program was killed.
func startKeeper(command string) (stop func() error, err error) {
	// No context: it has work to do when all others have ended.
	cmd := exec.CommandContext(context.Background(), "sh", "-c", `cat; exec "$0" stop`, command)
	// Ctrl-C is not for it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() error { return endKeeper(cmd, in) }, nil
}

// endKeeper waits until the bots are stopped, and kills what takes too long for that.
func endKeeper(cmd *exec.Cmd, in io.Closer) error {
	killer := time.AfterFunc(stopLimit, func() { _ = cmd.Process.Kill() }) // it may just have ended
	defer killer.Stop()
	if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
		return fmt.Errorf("stopping the bots: %w", err)
	}
	return nil
}

// checkNoProcess reports an error if a child is left. All orphans below this process
// are its children since AdoptBots, so that there is none that this does not see.
func checkNoProcess() error {
	for {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		switch {
		case errors.Is(err, syscall.ECHILD):
			return nil
		case err != nil && !errors.Is(err, syscall.EINTR):
			return err
		case err == nil && pid == 0:
			return errors.New("a process is left that this demo has started")
		}
	}
}
