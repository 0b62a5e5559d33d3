package caddyintelmq

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/sallyport/sallyport/internal/atomicfile"
	"github.com/sallyport/sallyport/internal/plugin/grammar"
)

// importPlaces are where intelmq-api looks for its configuration file, after the
// one that INTELMQ_API_CONFIG names.
var importPlaces = []string{"/etc/intelmq/api-config.json", "/usr/etc/intelmq/api-config.json", "/usr/local/etc/intelmq/api-config.json"}

// maxImport bounds such a file, in bytes.
const maxImport = 1 << 20

// imported is a configuration file of intelmq-api. Keys that it does not know it
// ignores.
type imported struct {
	path            string
	Command         []string        `json:"intelmq_ctl_cmd"`
	AllowedPath     string          `json:"allowed_path"`
	SessionStore    string          `json:"session_store"`
	SessionDuration json.RawMessage `json:"session_duration"`
	AllowOrigins    []string        `json:"allow_origins"`
}

// effective is the endpoint with the settings of the configuration file of
// intelmq-api where it has none of its own.
func (h *IntelMQ) effective() (*IntelMQ, error) {
	all := *h
	if !h.ImportConfig {
		return &all, nil
	}
	conf, err := h.readImport()
	if err != nil {
		return nil, fmt.Errorf("import_config: %w", err)
	}
	if conf.SessionStore == "" && !h.InsecureNoAuth {
		return nil, fmt.Errorf("import_config: '%s' has no session_store, so everybody could do everything without a log-in; "+
			"take import_config out and write the settings here, or write insecure_no_auth if this is meant", conf.path)
	}
	if conf.SessionStore != "" {
		h.log.Info("import_config: users log in with what the caddyauth app knows of them",
			zap.String("take_them_over_by", "caddy auth import intelmq "+conf.SessionStore))
	}
	if len(all.Command) == 0 {
		all.Command = conf.Command
	}
	if all.AllowedPath == "" {
		all.AllowedPath = conf.AllowedPath
	}
	if len(all.AllowOrigins) == 0 {
		all.AllowOrigins = conf.AllowOrigins
	}
	if all.SessionLifetime == 0 {
		if all.SessionLifetime, err = conf.lifetime(); err != nil {
			return nil, fmt.Errorf("import_config '%s': %w", conf.path, err)
		}
	}
	if err := all.check(); err != nil {
		return nil, fmt.Errorf("import_config '%s': %w", conf.path, err)
	}
	return &all, nil
}

// readImport reads the file that is named, or the first that there is. One that
// cannot be read is an error: what intelmq-api takes in its place is open to all.
func (h *IntelMQ) readImport() (*imported, error) {
	places := importPlaces
	if named := os.Getenv("INTELMQ_API_CONFIG"); named != "" {
		places = []string{named}
	}
	if h.ImportConfigFile != "" {
		path, err := grammar.Resolve("the path", h.ImportConfigFile)
		if err != nil {
			return nil, err
		}
		places = []string{path}
	}
	for _, path := range places {
		conf, err := readImport(path)
		if errors.Is(err, fs.ErrNotExist) && len(places) > 1 {
			continue
		}
		return conf, err
	}
	return nil, fmt.Errorf("there is no configuration file of intelmq-api at %v; name it, or take import_config out", places)
}

func readImport(path string) (conf *imported, err error) {
	file, _, err := atomicfile.OpenRegular(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	text, err := io.ReadAll(io.LimitReader(file, maxImport))
	if err != nil {
		return nil, err
	}
	conf = &imported{path: path}
	if err := json.Unmarshal(text, conf); err != nil {
		return nil, fmt.Errorf("'%s' is not a configuration of intelmq-api: %w", path, err)
	}
	return conf, nil
}

// lifetime is session_duration, in seconds, as a number or as text.
func (c *imported) lifetime() (caddy.Duration, error) {
	if len(c.SessionDuration) == 0 {
		return 0, nil
	}
	text := string(c.SessionDuration)
	if unquoted, err := strconv.Unquote(text); err == nil {
		text = unquoted
	}
	seconds, err := strconv.Atoi(text)
	if err != nil || seconds < 1 || time.Duration(seconds) > maxLifetime/time.Second {
		return 0, fmt.Errorf("session_duration: it is a number of seconds, from 1 to %d", maxLifetime/time.Second)
	}
	return caddy.Duration(time.Duration(seconds) * time.Second), nil
}
