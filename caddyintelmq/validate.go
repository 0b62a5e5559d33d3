package caddyintelmq

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/sallyport/sallyport/internal/intelmqapi"
	"github.com/sallyport/sallyport/internal/plugin/grammar"
)

// Bounds of what can be set.
const (
	maxProcesses = 64
	maxWaiting   = 10_000
	minBody      = 1 << 10
	maxTime      = 24 * time.Hour
	maxLifetime  = 10 * 365 * 24 * time.Hour
)

// Validate refuses settings that cannot be meant.
func (h *IntelMQ) Validate() error { return h.check() }

// check checks what is there.
func (h *IntelMQ) check() error {
	if err := grammar.CheckBase(h.Base); err != nil {
		return err
	}
	if err := checkWords(h.Command); err != nil {
		return err
	}
	if _, err := intelmqapi.ParseOrigins(h.AllowOrigins); err != nil {
		return fmt.Errorf("allow_origins: %w", err)
	}
	if h.ImportConfigFile != "" && !h.ImportConfig {
		return errors.New("import_config_file: import_config is not set")
	}
	return h.checkNumbers()
}

// checkWords refuses what comes of copying a list in JSON, or a whole line as one
// word.
func checkWords(words []string) error {
	const example = "such as 'command sudo -u intelmq /usr/local/bin/intelmqctl'"
	if len(words) > 0 && (words[0] == "" || strings.HasPrefix(words[0], "-") || strings.ContainsAny(words[0], " \t")) {
		return errors.New("command: write the program first, and each word by itself, " + example)
	}
	for _, word := range words {
		if strings.HasPrefix(word, "[") || strings.HasSuffix(word, ",") || strings.HasSuffix(word, "]") {
			return fmt.Errorf("command: write the words without brackets and commas, %s; '%s' has one", example, word)
		}
	}
	return nil
}

func (h *IntelMQ) checkNumbers() error {
	for _, d := range []struct {
		option string
		value  caddy.Duration
		most   time.Duration
	}{
		{"session_lifetime", h.SessionLifetime, maxLifetime},
		{"timeout", h.Timeout, maxTime},
		{"change_timeout", h.ChangeTimeout, maxTime},
		{"run_timeout", h.RunTimeout, maxTime},
	} {
		if value := time.Duration(d.value); value != 0 && (value < time.Second || value > d.most) {
			return fmt.Errorf("%s: it is 1s to %gh", d.option, d.most.Hours())
		}
	}
	if h.SessionLifetime%caddy.Duration(time.Second) != 0 {
		return errors.New("session_lifetime: it is in whole seconds")
	}
	for _, n := range []struct {
		option             string
		value, least, most int64
	}{
		{"processes", int64(h.Processes), 1, maxProcesses},
		{"max_waiting", int64(h.MaxWaiting), 1, maxWaiting},
		{"max_body", h.MaxBody, minBody, 1 << 30},
	} {
		if n.value != 0 && (n.value < n.least || n.value > n.most) {
			return fmt.Errorf("%s: it is %d to %d", n.option, n.least, n.most)
		}
	}
	return nil
}
