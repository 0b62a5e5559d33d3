package grammar

import (
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sallyport/sallyport/internal/urlpath"
)

// Base reads the name of an endpoint's directive and its one argument, which may
// be left out: the path below which the endpoint is. "" means the whole site.
func Base(d *caddyfile.Dispenser, base *string) error {
	d.Next()
	if d.NextArg() {
		var err error
		if *base, err = cleanBase(d.Val()); err != nil {
			return d.WrapErr(err)
		}
	}
	if d.NextArg() {
		return d.ArgErr()
	}
	return nil
}

// CheckBase reports whether a base is one that Base reads, in its usual form.
func CheckBase(base string) error {
	if clean, err := cleanBase(base); err != nil || clean != base {
		return fmt.Errorf("base '%s': write a path such as /api, without a slash at its end, or nothing for the whole site", base)
	}
	return nil
}

// cleanBase brings a base path to its usual form, without a slash at its end.
func cleanBase(text string) (string, error) {
	base := strings.TrimSuffix(text, "/")
	if base == "" && text != "//" {
		return "", nil
	}
	if !urlpath.IsClean(base) || strings.ContainsAny(base, "*{}") || strings.HasSuffix(base, "/") {
		return "", fmt.Errorf("base '%s': write a path such as /api, which is neither a matcher nor a pattern", text)
	}
	return base, nil
}

// Below cuts the base off a path; rest is "" or begins with a slash. Case does
// not count, as it does not for Caddy's matchers.
func Below(base, path string) (rest string, ok bool) {
	if len(path) < len(base) || !strings.EqualFold(path[:len(base)], base) {
		return "", false
	}
	rest = path[len(base):]
	return rest, rest == "" || rest[0] == '/'
}

// Route makes the route of an endpoint with its matcher: the base itself and all
// below it, neither of which a pattern of one word covers.
func Route(h httpcaddyfile.Helper, base string, endpoint caddyhttp.MiddlewareHandler) []httpcaddyfile.ConfigValue {
	var matcher caddy.ModuleMap
	if base != "" {
		matcher = caddy.ModuleMap{"path": h.JSON(caddyhttp.MatchPath{base, base + "/*"})}
	}
	return h.NewRoute(matcher, endpoint)
}
