package caddyintelmq

import (
	"errors"
	"io"
	"io/fs"
	"net/http"

	"github.com/sallyport/sallyport/internal/atomicfile"
	"github.com/sallyport/sallyport/internal/botfiles"
	"github.com/sallyport/sallyport/internal/intelmqapi"
)

// showFiles shows what bots have written.
func (h *IntelMQ) showFiles(c *call) *intelmqapi.Answer {
	if refused := h.hold(c, fileWeight); refused != nil {
		return refused
	}
	if c.question.Fetch {
		return h.fetchFile(c)
	}
	listing, err := h.files.Describe(c.question.File)
	if err != nil {
		return h.fileRefused(c, err)
	}
	text, err := listing.JSON()
	if err != nil {
		return h.fileRefused(c, err)
	}
	return intelmqapi.Raw(text)
}

// fetchFile shows one as it is.
func (h *IntelMQ) fetchFile(c *call) *intelmqapi.Answer {
	file, err := h.files.Fetch(c.question.File)
	if err != nil {
		return h.fileRefused(c, err)
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	if err != nil {
		return h.fileRefused(c, err)
	}
	return intelmqapi.PlainFile(content)
}

// fileRefused says why a file is not shown. Of one that is not below the allowed
// path nothing is said.
func (h *IntelMQ) fileRefused(c *call, err error) *intelmqapi.Answer {
	switch {
	case errors.Is(err, botfiles.ErrNotAllowed):
		c.cause = "file_not_allowed"
		return intelmqapi.UnknownResource()
	case errors.Is(err, fs.ErrNotExist):
		return intelmqapi.Refused(http.StatusNotFound, "there is no such file", 0)
	case errors.Is(err, fs.ErrPermission):
		c.cause, c.err = "file_not_readable", err
		return intelmqapi.Refused(http.StatusForbidden, "the file cannot be read by the user that the server runs as", 0)
	case errors.Is(err, atomicfile.ErrNotRegular):
		return intelmqapi.Refused(http.StatusForbidden, "only files are shown, and no pipes or devices", 0)
	case errors.Is(err, botfiles.ErrTooLarge):
		return intelmqapi.Refused(http.StatusForbidden, "it is too large to be shown", 0)
	}
	c.cause, c.err = "file_not_readable", err
	return broken()
}
