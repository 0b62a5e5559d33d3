package intelmq_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"syscall"
	"testing"
	"time"
)

// slow is the script of a command that gives its answer when it is told to. It says
// when it has begun, and when it was ended.
const slow = `cd "${0%/*}"
trap 'echo >says; exit 143' TERM
echo >says
read word <word
echo '"late"'`

// slowPipes are those of the slow command.
type slowPipes struct{ says, word *os.File }

func (w *world) slowPipes(t *testing.T) slowPipes {
	t.Helper()
	open := func(name string) *os.File {
		w.remove(t, name)
		if err := syscall.Mkfifo(w.botnet.Path(name), 0o600); err != nil {
			t.Fatal(err)
		}
		// So that neither side waits for the other to open it.
		file, err := os.OpenFile(w.botnet.Path(name), os.O_RDWR|syscall.O_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = file.Close() })
		return file
	}
	return slowPipes{open("bin/says"), open("bin/word")}
}

// giveUp makes a request and goes away as soon as the command runs, which ends it.
func (w *world) giveUp(t *testing.T, r *http.Request) received {
	t.Helper()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	pipes, ended := w.slowPipes(t), make(chan error, 1)
	go func() {
		line := make([]byte, 1)
		_, err := pipes.says.Read(line)
		cancel()
		if err == nil {
			_, err = pipes.says.Read(line)
		}
		ended <- err
	}()
	response, err := w.Client.Do(r.WithContext(ctx))
	if err == nil {
		_ = response.Body.Close()
		t.Error("there was an answer before the command had one")
	} else if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the command runs on, for nobody")
	}
	return received{}
}

// speak has the slow command give its answer.
func (w *world) speak(t *testing.T) {
	t.Helper()
	if _, err := w.slowPipes(t).word.WriteString("now\n"); err != nil {
		t.Fatal(err)
	}
}
