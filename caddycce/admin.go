package caddycce

import (
	"errors"
	"net/http"

	"github.com/caddyserver/caddy/v2"

	"github.com/sallyport/sallyport/internal/plugin/admin"
	"github.com/sallyport/sallyport/internal/plugin/roster"
)

func init() {
	caddy.RegisterModule(Admin{})
}

// Admin answers monitoring on Caddy's admin API: `GET /caddycce/health` answers
// 200 if all endpoints work, and 503 if one does not. It tells of each whether
// cced answers and whether it is suspended, what is wrong with the file of
// secrets, and whether the accounts log in. What it has seen holds for ten
// seconds.
type Admin struct{}

const healthPath = "/caddycce/health"

// CaddyModule returns the Caddy module information.
func (Admin) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "admin.api.caddycce", New: func() caddy.Module { return new(Admin) }}
}

// Routes are the routes of the admin API.
func (a *Admin) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{{Pattern: healthPath, Handler: caddy.AdminHandlerFunc(a.health)}}
}

func (*Admin) health(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		return admin.Error(http.StatusMethodNotAllowed, errors.New("use GET"))
	}
	status := http.StatusOK
	endpoints, all := []condition{}, latest()
	if len(all) == 0 {
		// Who asks after endpoints has one, and it does not run.
		status = http.StatusServiceUnavailable
	}
	for _, h := range all {
		one := h.desk.check(r.Context(), h)
		if len(one.Problems) > 0 {
			status = http.StatusServiceUnavailable
		}
		endpoints = append(endpoints, one)
	}
	return admin.WriteJSON(w, status, map[string]any{"healthy": status == http.StatusOK, "endpoints": endpoints})
}

// latest lists the endpoints as they were configured last.
func latest() (endpoints []*CCE) {
	for _, d := range roster.Shares[*desk](desks) {
		if h := d.endpoints.Latest(); h != nil {
			endpoints = append(endpoints, h)
		}
	}
	return endpoints
}

var _ caddy.AdminRouter = (*Admin)(nil)
