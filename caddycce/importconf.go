package caddycce

import (
	"cmp"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/sallyport/sallyport/internal/ccedapi"
	"github.com/sallyport/sallyport/internal/plugin/accesslist"
	"github.com/sallyport/sallyport/internal/plugin/grammar"
)

// effective is the endpoint with the settings of the configuration file of
// cced-api where it has none of its own.
func (h *CCE) effective() (*settingsSource, error) {
	s := &settingsSource{
		socket: h.Socket, access: h.APIAccess, failures: h.AuthFailures,
		tokenLifetime: time.Duration(h.TokenLifetime), timeout: time.Duration(h.Timeout),
	}
	if h.ImportConf == "" {
		return s, nil
	}
	path, err := absolute("import_conf", h.ImportConf)
	if err != nil {
		return nil, err
	}
	conf, err := ccedapi.Read(path)
	if err != nil {
		return nil, fmt.Errorf("import_conf: %w", err)
	}
	if s.socket == "" && conf.Socket != "" {
		s.socket = "unix/" + conf.Socket
	}
	if len(s.access) == 0 {
		for _, entry := range conf.Access {
			s.access = append(s.access, entry.Text)
		}
	}
	s.tokenLifetime = cmp.Or(s.tokenLifetime, conf.TokenLifetime)
	s.timeout = cmp.Or(s.timeout, conf.ReadTimeout)
	if s.failures == nil && (conf.AuthFails != 0 || conf.BanTime != 0) {
		s.failures = &grammar.FailureLimit{
			Failures: cmp.Or(conf.AuthFails, accesslist.DefaultFailures.Failures),
			Window:   cmp.Or(caddy.Duration(conf.BanTime), accesslist.DefaultFailures.Window),
		}
	}
	h.warnOf(conf)
	return s, s.check(path)
}

// settingsSource are the settings that the configuration of cced-api may give.
type settingsSource struct {
	socket                 string
	access                 []string
	tokenLifetime, timeout time.Duration
	failures               *grammar.FailureLimit
}

// check holds what was imported to the bounds of the endpoint's own settings.
func (s *settingsSource) check(path string) error {
	given := CCE{
		TokenLifetime: caddy.Duration(s.tokenLifetime), Timeout: caddy.Duration(s.timeout),
		AuthFailures: s.failures, APIAccess: s.access,
	}
	if err := given.check(); err != nil {
		return fmt.Errorf("import_conf '%s': %w", path, err)
	}
	return nil
}

// warnOf names what the file says and an endpoint cannot do.
func (h *CCE) warnOf(conf *ccedapi.Config) {
	log := h.log.With(zap.String("file", conf.Path))
	if conf.Host != "" || conf.Port != 0 || conf.CertFile != "" || conf.KeyFile != "" {
		log.Warn("import_conf: address and certificate are the site's; write this site block", zap.String("site", conf.SiteBlock()))
	}
	for _, unused := range []struct {
		key, instead string
		set          bool
	}{
		{"ca_cert_file", "tls { client_auth } of the site", conf.CACertFile != ""},
		{"enable_http", "an address that begins with http://", conf.EnableHTTP},
		{"logging", "log of the site", conf.Logging},
		{"debuglog", "the global option debug", conf.DebugLog},
	} {
		if unused.set {
			log.Warn("import_conf: this key is not used", zap.String("key", unused.key), zap.String("instead", unused.instead))
		}
	}
	for _, unknown := range conf.Unknown {
		log.Warn("import_conf: this key is unknown", zap.String("key", unknown.Key), zap.Int("line", unknown.Line))
	}
}
