package caddyauth

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"slices"

	"github.com/sallyport/sallyport/internal/allowlist"
	"github.com/sallyport/sallyport/internal/plugin/accesslist"
	"github.com/sallyport/sallyport/internal/plugin/grammar"
)

// checkSecretsFiles reads the files of client secrets as the server does. One
// that is not there is made by the start.
func checkSecretsFiles(e *examination) (found []finding, err error) {
	for _, path := range e.secretOptions("secrets_file") {
		path, err := grammar.Resolve("secrets_file", path)
		if err != nil {
			found = append(found, secretsBroken.of(err.Error()))
			continue
		}
		_, err = allowlist.Read(path)
		switch {
		case err == nil, errors.Is(err, fs.ErrNotExist):
		case errors.Is(err, fs.ErrPermission):
			found = append(found, unseen(err)...)
		default:
			found = append(found, secretsBroken.of(err.Error()))
		}
	}
	return found, nil
}

// secretOptions lists the values that an option has in the client_secret
// handlers of the configuration, each once.
func (e *examination) secretOptions(name string) []string {
	values := map[string]bool{}
	if e.config != nil {
		walkObjects(e.config.all, func(object map[string]any) {
			if value, _ := object[name].(string); value != "" && object["handler"] == "client_secret" {
				values[value] = true
			}
		})
	}
	return slices.Sorted(maps.Keys(values))
}

// walkObjects calls see for each object of a configuration.
func walkObjects(node any, see func(map[string]any)) {
	switch node := node.(type) {
	case map[string]any:
		see(node)
		for _, value := range node {
			walkObjects(value, see)
		}
	case []any:
		for _, element := range node {
			walkObjects(element, see)
		}
	}
}

// unhiddenHeaders lists the headers of client secrets that the filter of a log
// does not know, since they were chosen in the configuration.
func (e *examination) unhiddenHeaders(log *examinedLog) (missing []string) {
	for _, header := range e.secretOptions("header") {
		header = http.CanonicalHeaderKey(header)
		if header != accesslist.DefaultHeader && !log.Encoder.hidesHeader(header) {
			missing = append(missing, fmt.Sprintf("'%s'", header))
		}
	}
	return missing
}

// hidesHeader reports whether a filter hides a header of that name.
func (e *examinedEncoder) hidesHeader(name string) bool {
	if e == nil {
		return false
	}
	for _, field := range []string{"request>headers", "request"} {
		f := e.Fields[field]
		known := newHeaderSet(f.Headers)
		if e.Format == "filter" && (f.Filter == "delete" || f.Filter == "replace" || known.has(name)) {
			return true
		}
	}
	return e.Wrap.hidesHeader(name)
}
