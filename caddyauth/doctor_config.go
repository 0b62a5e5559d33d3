package caddyauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/sallyport/sallyport/internal/plugin/command"
)

// examined is what the doctor reads of a configuration.
type examined struct {
	Admin struct {
		Disabled bool   `json:"disabled"`
		Listen   string `json:"listen"`
	} `json:"admin"`
	Logging struct {
		Logs map[string]examinedLog `json:"logs"`
	} `json:"logging"`
	Apps struct {
		HTTP struct {
			Servers map[string]struct {
				Listen               []string        `json:"listen"`
				TrustedProxies       json.RawMessage `json:"trusted_proxies"`
				TrustedProxiesUnix   bool            `json:"trusted_proxies_unix"`
				TrustedProxiesStrict int             `json:"trusted_proxies_strict"`
				Routes               any             `json:"routes"`
			} `json:"servers"`
		} `json:"http"`
		Auth struct {
			Providers []IdentityProvider `json:"providers"`
		} `json:"caddyauth"`
	} `json:"apps"`

	// all is the whole of it.
	all any
}

type examinedLog struct {
	Writer struct {
		Output string `json:"output"`
	} `json:"writer"`
	Encoder examinedEncoder `json:"encoder"`
	Include []string        `json:"include"`
	Exclude []string        `json:"exclude"`
}

type examinedEncoder struct {
	Format string `json:"format"`
	Fields map[string]struct {
		Filter  string   `json:"filter"`
		Headers []string `json:"headers"`
	} `json:"fields"`
	Wrap *examinedEncoder `json:"wrap"`
}

// readConfig reads a configuration, in JSON. Without one there is nothing to
// look at.
func readConfig(text []byte) (*examined, error) {
	if text == nil {
		return nil, nil
	}
	c := new(examined)
	if err := errors.Join(json.Unmarshal(text, c), json.Unmarshal(text, &c.all)); err != nil {
		return nil, &command.UsageError{Text: "the configuration: " + err.Error()}
	}
	return c, nil
}

func checkConfigured(e *examination) ([]finding, error) {
	if e.config == nil && e.needsConfig {
		return []finding{noConfiguration.of("there is no configuration to look at: servers, logs and the admin API were not checked")}, nil
	}
	return nil, nil
}

// checkProxies: with trusted_proxies alone a client chooses its address by an
// X-Forwarded-For of its own.
func checkProxies(e *examination) (found []finding, err error) {
	if e.config == nil {
		return nil, nil
	}
	servers := e.config.Apps.HTTP.Servers
	for _, name := range slices.Sorted(maps.Keys(servers)) {
		server := servers[name]
		if (given(server.TrustedProxies) || server.TrustedProxiesUnix) && server.TrustedProxiesStrict == 0 {
			found = append(found, proxiesLax.of(fmt.Sprintf("server '%s' (%s) has trusted_proxies without trusted_proxies_strict", name, strings.Join(server.Listen, ", "))))
		}
	}
	return found, nil
}

// requestFields are those in which credentials come to a log of requests,
// adminFields those of lines about requests to the admin API.
var (
	requestFields = []string{"request>headers", "resp_headers", "request>uri"}
	adminFields   = []string{"uri", "headers"}
)

// checkLogs looks for logs that get requests without the filter credentials,
// those to the admin API among them.
// Caddy has the log `default`, whether it is configured or not.
func checkLogs(e *examination) (found []finding, err error) {
	if e.config == nil || len(e.config.Apps.HTTP.Servers) == 0 {
		return nil, nil
	}
	logs := map[string]examinedLog{caddy.DefaultLoggerName: {}}
	maps.Copy(logs, e.config.Logging.Logs)
	for _, name := range slices.Sorted(maps.Keys(logs)) {
		log := logs[name]
		if missing := log.Encoder.unfiltered(e.credentialFields(name, &log)); len(missing) > 0 {
			found = append(found, logUnfiltered.of(fmt.Sprintf("log '%s' lacks the filter credentials for %s", name, strings.Join(missing, ", "))))
		} else if missing := e.unhiddenHeaders(&log); log.getsRequests() && len(missing) > 0 {
			found = append(found, logUnfiltered.of(fmt.Sprintf("log '%s' shows the header %s of client_secret; name it behind request>headers credentials", name, strings.Join(missing, ", "))))
		}
	}
	return found, nil
}

// credentialFields are the fields in which credentials may come to a log. The
// admin API writes to no other log than `default`.
func (e *examination) credentialFields(name string, log *examinedLog) (fields []string) {
	if log.getsRequests() {
		fields = append(fields, requestFields...)
	}
	if name == caddy.DefaultLoggerName && !e.config.Admin.Disabled && log.getsAdmin() {
		fields = append(fields, adminFields...)
	}
	return fields
}

// getsAdmin reports whether lines about requests to the admin API may come to a
// log: those of the logger admin.api.
func (l *examinedLog) getsAdmin() bool {
	names := func(logger string) bool { return logger == "*" || logger == "admin" || logger == "admin.api" }
	return l.Writer.Output != "discard" && !slices.ContainsFunc(l.Exclude, names) &&
		(len(l.Include) == 0 || slices.ContainsFunc(l.Include, names))
}

// getsRequests reports whether lines about requests may come to a log: those of
// http.log.access and http.log.error, and what handlers write when they debug.
func (l *examinedLog) getsRequests() bool {
	if l.Writer.Output == "discard" || len(l.Include) > 0 && !slices.ContainsFunc(l.Include, holdsRequests) {
		return false
	}
	excludes := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(l.Exclude, name) })
	}
	return !excludes("*") && !excludes("http") && !excludes("http.log", "http.handlers")
}

// holdsRequests reports whether lines about requests are among those of loggers
// with this name or below it.
func holdsRequests(logger string) bool {
	return logger == "http" || logger == "http.log" ||
		strings.HasPrefix(logger, "http.log.") || strings.HasPrefix(logger+".", "http.handlers.")
}

// unfiltered lists those of the fields whose credentials are seen. Filters stand at any
// depth of encoders that wrap one another; one that takes a whole field away, or
// all of a request, hides credentials as well.
func (e *examinedEncoder) unfiltered(fields []string) (missing []string) {
	for _, field := range fields {
		if !e.hides(field) {
			missing = append(missing, field)
		}
	}
	return missing
}

func (e *examinedEncoder) hides(field string) bool {
	if e == nil {
		return false
	}
	if e.Format == "filter" {
		parent, _, _ := strings.Cut(field, ">")
		for _, name := range []string{field, parent} {
			if slices.Contains([]string{"credentials", "delete", "replace"}, e.Fields[name].Filter) {
				return true
			}
		}
	}
	return e.Wrap.hides(field)
}

// checkAdmin: everybody on the network who reaches the admin API is an
// administrator.
func checkAdmin(e *examination) ([]finding, error) {
	if e.config == nil || e.config.Admin.Disabled {
		return nil, nil
	}
	text := caddy.NewReplacer().ReplaceKnown(e.config.Admin.Listen, "")
	if text == "" {
		text = caddy.DefaultAdminListen
	}
	address, mode, _ := strings.Cut(text, "|")
	network, err := caddy.ParseNetworkAddress(address)
	if err == nil && network.IsUnixNetwork() && openToAll(mode) {
		return []finding{adminReachable.of(fmt.Sprintf("the admin API's socket '%s' can be used by everybody on this machine (mode %s)", address, mode))}, nil
	}
	if err == nil && (network.IsUnixNetwork() || network.IsFdNetwork() || isLoopback(network.Host)) {
		return nil, nil
	}
	return []finding{adminReachable.of(fmt.Sprintf("the admin API listens at '%s', where the network can reach it", address))}, nil
}

// openToAll reports whether a socket of that mode, in octal, can be written by
// everybody. Caddy's own mode is 0200.
func openToAll(mode string) bool {
	bits, err := strconv.ParseUint(mode, 8, 32)
	return err == nil && bits&0o002 != 0
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}

// checkInsecure lists options of any module that begin with insecure_.
func checkInsecure(e *examination) (found []finding, err error) {
	if e.config == nil {
		return nil, nil
	}
	walkOptions("", e.config.all, func(path, name string, value any) {
		if strings.HasPrefix(name, "insecure_") && value != false && value != nil && value != "" {
			found = append(found, insecureOption.of(fmt.Sprintf("'%s' is in use, at %s of the configuration in JSON", name, path)))
		}
	})
	return found, nil
}

// walkOptions calls see for each option of a configuration, in a stable order,
// with the path of the object that it stands in, as the admin API has it.
func walkOptions(path string, node any, see func(path, name string, value any)) {
	switch node := node.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(node)) {
			see(path+"/", name, node[name])
			walkOptions(path+"/"+name, node[name], see)
		}
	case []any:
		for i, element := range node {
			walkOptions(fmt.Sprintf("%s/%d", path, i), element, see)
		}
	}
}

// given reports whether an option has a value.
func given(value json.RawMessage) bool { return len(value) > 0 && string(value) != "null" }
