package caddyauth

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestARequestWaitsFiveSecondsForTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &directory{opened: make(chan struct{})}
		began := time.Now()
		_, err := d.wait(t.Context())
		if !errors.Is(err, errNotReady) || time.Since(began) != readyWait {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		if d.ready() != nil {
			t.Error("it says that it is ready")
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		began = time.Now()
		if _, err := d.wait(gone); !errors.Is(err, errNotReady) || time.Since(began) != 0 {
			t.Errorf("for a client that has gone away, after %s: %v", time.Since(began), err)
		}
	})
}
