package caddyintelmq

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"go.uber.org/zap"

	"github.com/sallyport/sallyport/internal/intelmqctl"
)

const (
	// askAgain is how long what intelmqctl has said of its paths counts before it is
	// asked again. They are the same as long as an installation lives.
	askAgain = 5 * time.Minute
)

// cannotTell are the causes for which it is no use to ask intelmqctl again.
var cannotTell = map[intelmqctl.Cause]bool{
	intelmqctl.Failed: true, intelmqctl.NotExecutable: true, intelmqctl.TooLong: true,
}

// installation says where the files of the configuration are: where the
// configuration of the endpoint has them, or intelmqctl. Where that has never told
// they are where IntelMQ has them by its own rules: with a runtime.yaml that is broken
// it does not even tell its paths. But if it was not asked, or has not answered in
// time, they are not known: there may be another installation at the usual place.
func (h *IntelMQ) installation(ctx context.Context, who string) (intelmqctl.Installation, error) {
	if h.settings.configDir != "" {
		return intelmqctl.InstallationAt(h.settings.configDir), nil
	}
	at, known := h.desk.known(h)
	if known {
		return at, nil
	}
	at, err := h.desk.ask(ctx, who)
	failure, unanswered := errors.AsType[*intelmqctl.Failure](err)
	switch {
	case err == nil:
		return at, nil
	case unanswered && !cannotTell[failure.Cause]:
		return at, err
	}
	return intelmqctl.UsualInstallation(), nil
}

// known is what intelmqctl has said. It is asked again now and then, and nobody
// waits for that.
func (d *desk) known(h *IntelMQ) (intelmqctl.Installation, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.asked.IsZero() {
		return intelmqctl.Installation{}, false
	}
	if time.Since(d.asked) > askAgain && !d.asking && d.life.Err() == nil {
		d.asking = true
		d.work.Go(func() {
			if _, err := d.ask(d.life, "paths"); err != nil {
				h.log.Warn("intelmqctl does not tell its paths; the last ones are used", zap.Error(err))
			}
			d.mu.Lock()
			defer d.mu.Unlock()
			d.asking, d.asked = false, time.Now()
		})
	}
	return d.at, true
}

// ask asks intelmqctl.
func (d *desk) ask(ctx context.Context, who string) (intelmqctl.Installation, error) {
	answer, err := d.client.Read(ctx, who, intelmqctl.Paths{})
	if err != nil {
		return intelmqctl.Installation{}, err
	}
	at, err := intelmqctl.ParsePaths(answer.Body)
	if err != nil {
		return at, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at, d.asked = at, time.Now()
	return at, nil
}

// lockDir is the folder that is locked while the botnet is changed. There is none
// where intelmqctl has never answered and IntelMQ is not at its usual place: it will
// say why.
func (d *desk) lockDir() string {
	if h := d.endpoints.Latest(); h != nil && h.settings.configDir != "" {
		return h.settings.configDir
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.asked.IsZero() {
		return d.at.ConfigDir
	}
	usual := intelmqctl.UsualInstallation().ConfigDir
	if _, err := os.Stat(usual); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return usual
}
