package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	_ "github.com/caddyserver/caddy/v2/modules/standard" // the same modules that a server has

	_ "github.com/sallyport/sallyport/caddyauth"
	_ "github.com/sallyport/sallyport/caddycce"
	_ "github.com/sallyport/sallyport/caddyintelmq"
)

// serve runs Caddy until its standard input ends, which it does when the process
// that measures is gone, however that came about. The addresses of the sites go
// to standard output.
func serve(f *files) error {
	list, err := sites(f)
	if err != nil {
		return err
	}
	providers, err := f.providers()
	if err != nil {
		return err
	}
	config, err := json.Marshal(configuration(f, list, providers))
	if err != nil {
		return err
	}
	if err := caddy.Load(config, true); err != nil {
		return err
	}
	addresses, err := listenAddresses()
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(addresses); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	return caddy.Stop()
}

// configuration has one server for each site, on a free port of a loopback
// address of its own. It logs at the level of a server that was not told
// otherwise, but to nowhere.
func configuration(f *files, list []site, providers []any) map[string]any {
	servers := map[string]any{}
	for i, s := range list {
		servers[s.name] = map[string]any{
			"listen":          []string{fmt.Sprintf("127.0.0.%d:0", i+1)},
			"protocols":       []string{"h1"},
			"automatic_https": map[string]any{"disable": true},
			"routes":          []any{map[string]any{"handle": append(s.handlers, handler{"handler": "static_response", "body": "ok"})}},
		}
	}
	return map[string]any{
		"admin":   map[string]any{"disabled": true, "config": map[string]any{"persist": false}},
		"storage": map[string]any{"module": "file_system", "root": filepath.Join(f.dir, "caddy")},
		"logging": map[string]any{"logs": map[string]any{"default": map[string]any{
			"level": "INFO", "writer": map[string]any{"output": "discard"},
		}}},
		"apps": map[string]any{
			"caddyauth": map[string]any{"store": map[string]any{"engine": "sqlite", "path": f.store}, "providers": providers},
			"http":      map[string]any{"servers": servers, "grace_period": "1s"},
		},
	}
}

func listenAddresses() (map[string]string, error) {
	app, err := caddy.ActiveContext().App("http")
	if err != nil {
		return nil, err
	}
	addresses := map[string]string{}
	for name, server := range app.(*caddyhttp.App).Servers {
		for _, listener := range server.Listeners() {
			addresses[name] = listener.Addr().String()
		}
	}
	return addresses, nil
}
