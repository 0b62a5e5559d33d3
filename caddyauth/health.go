package caddyauth

import (
	"context"
	"net/http"

	"github.com/caddyserver/caddy/v2"

	"github.com/sallyport/sallyport/internal/plugin/accesslist"
)

// health is what the admin API tells of the server, for monitoring.
type health struct {
	// Live: the server answers.
	Live bool `json:"live"`
	// Ready: credentials can be checked.
	Ready bool `json:"ready"`
	// Problems are what an administrator should look at, in general words; the
	// log has the causes. Some of them leave the server ready.
	Problems []string `json:"problems"`
}

// status is the HTTP status for monitors that look at nothing else.
func (h *health) status() int {
	if !h.Ready {
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}

// healthOf looks at the app of the configuration in use.
func healthOf(ctx context.Context) health {
	h := health{Live: true, Problems: []string{}}
	value, err := caddy.ActiveContext().AppIfConfigured(appName)
	if err != nil {
		h.Problems = append(h.Problems, "this server has no caddyauth")
		return h
	}
	h.Problems = append(h.Problems, accesslist.Problems()...)
	mirror := value.(*App).directory.ready()
	switch {
	case mirror == nil:
		h.Problems = append(h.Problems, errNotReady.Error())
	case !mirror.Refresh(ctx):
		h.Problems = append(h.Problems, errNotRead.Error())
	default:
		h.Ready = true
	}
	return h
}
