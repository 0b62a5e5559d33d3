package caddyintelmq

import (
	"errors"
	"net/http"
	"path/filepath"

	"go.uber.org/zap"

	"github.com/sallyport/sallyport/internal/intelmqapi"
	"github.com/sallyport/sallyport/internal/intelmqconf"
	"github.com/sallyport/sallyport/internal/intelmqctl"
)

// configuration is what is known of the files of the configuration.
type configuration struct {
	runtime       intelmqconf.Runtime
	positions     intelmqconf.Positions
	harmonization intelmqconf.Harmonization
}

// positionsFile is that of an installation.
func positionsFile(at intelmqctl.Installation) string {
	return filepath.Join(at.ConfigDir, "manager", "positions.conf")
}

// show answers with a file as JSON.
func (h *IntelMQ) show(c *call, read func(at intelmqctl.Installation) (*intelmqconf.Document, error)) *intelmqapi.Answer {
	at, err := h.installation(c.ctx(), c.who())
	if err != nil {
		return h.failed(c, err)
	}
	document, err := read(at)
	if err != nil {
		c.cause, c.err = "configuration_not_readable", err
		return intelmqapi.Refused(http.StatusInternalServerError, err.Error(), 0)
	}
	if refused := h.hold(c, int64(len(document.JSON))); refused != nil {
		return refused
	}
	return intelmqapi.Tagged(intelmqapi.Raw(document.JSON), document.ETag)
}

func (h *IntelMQ) runtime(c *call) *intelmqapi.Answer {
	c.ends = append(c.ends, h.desk.loads.begin(c.who()))
	return h.show(c, func(at intelmqctl.Installation) (*intelmqconf.Document, error) {
		return h.desk.files.runtime.Read(at.RuntimeFile)
	})
}

func (h *IntelMQ) positions(c *call) *intelmqapi.Answer {
	return h.show(c, func(at intelmqctl.Installation) (*intelmqconf.Document, error) {
		return h.desk.files.positions.Read(positionsFile(at))
	})
}

func (h *IntelMQ) harmonization(c *call) *intelmqapi.Answer {
	return h.show(c, func(at intelmqctl.Installation) (*intelmqconf.Document, error) {
		return h.desk.files.harmonization.Read(filepath.Join(at.ConfigDir, "harmonization.conf"))
	})
}

func (h *IntelMQ) saveRuntime(c *call) *intelmqapi.Answer {
	return h.save(c, func(at intelmqctl.Installation, how intelmqconf.Saving) (intelmqconf.Saved, error) {
		return h.desk.files.runtime.Save(at.RuntimeFile, c.object, how)
	})
}

func (h *IntelMQ) savePositions(c *call) *intelmqapi.Answer {
	return h.save(c, func(at intelmqctl.Installation, how intelmqconf.Saving) (intelmqconf.Saved, error) {
		return h.desk.files.positions.Save(positionsFile(at), c.object, how)
	})
}

// save saves a file while nothing else changes.
func (h *IntelMQ) save(c *call, write func(at intelmqctl.Installation, how intelmqconf.Saving) (intelmqconf.Saved, error)) *intelmqapi.Answer {
	at, err := h.installation(c.ctx(), c.who())
	if err != nil {
		return h.failed(c, err)
	}
	how := intelmqconf.Saving{IfMatch: c.r.Header.Get("If-Match")}
	var saved intelmqconf.Saved
	err = h.desk.client.Exclusive(c.ctx(), c.who(), "save "+string(c.route), func() (err error) {
		saved, err = write(at, how)
		return err
	})
	if err != nil {
		return h.notSaved(c, err)
	}
	if saved.Warning != "" {
		h.log.Warn("saved, but not as it should be", zap.String("file", string(c.route)), zap.String("warning", saved.Warning))
	}
	return intelmqapi.Saved(saved.Document.ETag)
}

// notSaved says why nothing was saved.
func (h *IntelMQ) notSaved(c *call, err error) *intelmqapi.Answer {
	if _, ours := errors.AsType[*intelmqctl.Failure](err); ours {
		return h.failed(c, err)
	}
	if bad, is := errors.AsType[*intelmqconf.BodyError](err); is {
		c.cause = "bad_argument"
		return intelmqapi.Unprocessable(intelmqapi.BadObject(bad.Err))
	}
	if errors.Is(err, intelmqconf.ErrChanged) {
		c.cause = "changed_meanwhile"
		return intelmqapi.NotAsBefore(err.Error())
	}
	c.cause, c.err = "not_saved", err
	return intelmqapi.SaveFailed(err.Error())
}
