package caddyauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/plugin/admin"
)

func init() {
	caddy.RegisterModule(Admin{})
}

// Admin lets the command line work through a running server, by
// `POST /caddyauth/<operation>` on Caddy's admin API, for instance
// `POST /caddyauth/key/list`. The body is an object of actor and input.
//
// For monitoring there is `GET /caddyauth/health`, which answers 200 if
// credentials can be checked and 503 if not; so does `/caddyauth/health/ready`,
// and `/caddyauth/health/live` always answers 200. `GET /caddyauth/sessions` and
// `GET /caddyauth/lockouts` list the sessions, at most 500, and the places from
// which log-ins are refused. There is no secret in any of it. What is neither one
// of these nor an operation is 404. `POST /caddyauth/refusal/show` says why a request
// was refused, whether there is a store or not.
//
// It opens nothing to anybody who could not load another configuration anyway.
type Admin struct{}

// adminPath begins the paths of the routes.
const adminPath = "/" + appName + "/"

// maxAdminBody bounds a request, in bytes: a thousand users are imported at once, with
// some keys each.
const maxAdminBody = 8 << 20

// CaddyModule returns the Caddy module information.
func (Admin) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "admin.api.caddyauth", New: func() caddy.Module { return new(Admin) }}
}

// Routes are the routes of the admin API.
func (a *Admin) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{{Pattern: adminPath, Handler: caddy.AdminHandlerFunc(a.serve)}}
}

func (a *Admin) serve(w http.ResponseWriter, r *http.Request) error {
	path := strings.TrimPrefix(r.URL.Path, adminPath)
	if read, known := views[path]; known {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			return admin.Error(http.StatusMethodNotAllowed, errors.New("use GET"))
		}
		return read(w, r)
	}
	inMemory := memory[path]
	if _, known := operations[path]; !known && inMemory == nil && r.Method != http.MethodPost {
		return admin.Error(http.StatusNotFound, fmt.Errorf("there is no '%s'; GET has %s", r.URL.Path, viewPaths()))
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return admin.Error(http.StatusMethodNotAllowed, errors.New("use POST"))
	}
	var c admin.Call
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAdminBody)).Decode(&c); err != nil {
		return admin.Error(http.StatusBadRequest, fmt.Errorf("body: %w", err))
	}
	if inMemory != nil {
		return answerFromMemory(w, r, inMemory, c)
	}
	return answer(w, r, path, c)
}

// views are what can be read by GET, by the path below adminPath.
var views = map[string]func(http.ResponseWriter, *http.Request) error{
	"health":       viewHealth,
	"health/ready": viewHealth,
	"health/live": func(w http.ResponseWriter, _ *http.Request) error {
		return admin.WriteJSON(w, http.StatusOK, map[string]bool{"live": true})
	},
	"sessions": viewOperation("session/list"),
	"lockouts": viewOperation("lockout/list"),
}

// viewPaths lists the paths of the views, for whoever has mistyped one.
func viewPaths() string {
	var paths []string
	for _, name := range slices.Sorted(maps.Keys(views)) {
		paths = append(paths, adminPath+name)
	}
	return strings.Join(paths, ", ")
}

func viewHealth(w http.ResponseWriter, r *http.Request) error {
	h := healthOf(r.Context())
	return admin.WriteJSON(w, h.status(), h)
}

// viewOperation shows the result of an operation that only reads.
func viewOperation(name string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		return answer(w, r, name, admin.Call{Input: json.RawMessage(`{}`)})
	}
}

// answer performs an operation and writes its result.
func answer(w http.ResponseWriter, r *http.Request, operation string, c admin.Call) error {
	registry, err := activeRegistry()
	if err != nil {
		return err
	}
	result, err := perform(r.Context(), registry, operation, c.Actor, c.Input)
	if err != nil {
		return admin.Error(statusOf(err), err)
	}
	return admin.WriteJSON(w, http.StatusOK, result)
}

// activeRegistry is that of the configuration in use. It is not looked up in the
// context in which this module was made: Caddy keeps the routes of a
// configuration that has failed to start.
func activeRegistry() (*identity.Registry, error) {
	value, err := caddy.ActiveContext().AppIfConfigured(appName)
	if err != nil {
		return nil, admin.Error(http.StatusNotFound, fmt.Errorf("this server has no caddyauth: %w", err))
	}
	registry, err := value.(*App).registry()
	if errors.Is(err, errNotReady) {
		return nil, admin.Error(http.StatusServiceUnavailable, err)
	}
	return registry, err
}

var _ caddy.AdminRouter = (*Admin)(nil)
