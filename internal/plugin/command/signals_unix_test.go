//go:build unix

package command

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// A command takes away what it has made for a while, also when its terminal is closed.
func TestASignalEndsTheContextOfACommand(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if signal.Ignored(s) {
			t.Logf("%s is ignored here, and stays so", s)
			continue
		}
		err := once(&cobra.Command{}, func(r *Run) error {
			ctx, cancel := context.WithTimeout(r.Ctx, 10*time.Second)
			defer cancel()
			if err := syscall.Kill(os.Getpid(), s); err != nil {
				return err
			}
			<-ctx.Done()
			return ctx.Err()
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", s, err)
		}
	}
}
