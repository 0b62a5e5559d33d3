package caddyintelmq

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/sallyport/sallyport/internal/plugin/admin"
	"github.com/sallyport/sallyport/internal/plugin/roster"
)

func init() {
	caddy.RegisterModule(Admin{})
}

// Admin answers monitoring on Caddy's admin API: `GET /caddyintelmq/health`
// answers 200 if all endpoints work, and 503 if one does not. It tells of each what
// is wrong and what to do about it, as `caddy intelmq check` does. What it has seen
// holds for a minute, since each look runs intelmqctl. `POST /caddyintelmq/check`
// looks at once.
type Admin struct{}

// adminName is the first part of the paths of the admin API.
const adminName = "caddyintelmq"

const (
	healthPath = "/" + adminName + "/health"
	checkPath  = "/" + adminName + "/" + checkOperation
	// checkOperation is what `caddy intelmq check` asks for.
	checkOperation = "check"
)

// CaddyModule returns the Caddy module information.
func (Admin) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "admin.api.caddyintelmq", New: func() caddy.Module { return new(Admin) }}
}

// Routes are the routes of the admin API.
func (a *Admin) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{
		{Pattern: healthPath, Handler: caddy.AdminHandlerFunc(a.health)},
		{Pattern: checkPath, Handler: caddy.AdminHandlerFunc(a.check)},
	}
}

func (*Admin) health(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		return admin.Error(http.StatusMethodNotAllowed, errors.New("use GET"))
	}
	status := http.StatusOK
	endpoints := conditions(r.Context(), healthPause)
	// Who asks after endpoints has one, and it does not run.
	if len(endpoints) == 0 || slices.ContainsFunc(endpoints, condition.broken) {
		status = http.StatusServiceUnavailable
	}
	return admin.WriteJSON(w, status, map[string]any{"healthy": status == http.StatusOK, "endpoints": endpoints})
}

func (*Admin) check(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST")
		return admin.Error(http.StatusMethodNotAllowed, errors.New("use POST"))
	}
	return admin.WriteJSON(w, http.StatusOK, conditions(r.Context(), 0))
}

// conditions tells how the endpoints are, or were seen to be within some time.
func conditions(ctx context.Context, within time.Duration) []condition {
	endpoints := []condition{}
	for _, h := range latest() {
		endpoints = append(endpoints, h.desk.check(ctx, h, within))
	}
	return endpoints
}

// latest lists the endpoints as they were configured last.
func latest() (endpoints []*IntelMQ) {
	for _, d := range roster.Shares[*desk](desks) {
		if h := d.endpoints.Latest(); h != nil {
			endpoints = append(endpoints, h)
		}
	}
	return endpoints
}

var _ caddy.AdminRouter = (*Admin)(nil)
