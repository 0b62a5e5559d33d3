package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/pflag"

	"github.com/sallyport/sallyport/internal/plugin/admin"
)

// ConfigFlags are the flags that say which server and configuration are meant.
type ConfigFlags struct {
	// Config is the configuration file, "" for the Caddyfile in this directory.
	Config string
	// Adapter is what reads it, "" for Caddyfile or JSON, by its name.
	Adapter string
	// Address is that of the server's admin API, "" for the one in the
	// configuration.
	Address string
}

// Register adds the flags --config, --adapter and --address. named says what a
// command looks for in the configuration, such as `the store`.
func (f *ConfigFlags) Register(flags *pflag.FlagSet, named string) {
	flags.StringVarP(&f.Config, "config", "c", "", "Configuration file that names "+named)
	flags.StringVarP(&f.Adapter, "adapter", "a", "", "Name of the adapter of the configuration file")
	flags.StringVar(&f.Address, "address", "", "Address of the running server's admin API (default: from the configuration)")
}

// Load reads the configuration file, by default the Caddyfile in this directory,
// and returns it as JSON. If there is none by default either, file is "". Caddy's
// own function for this writes to the log, where these commands have nothing to
// say.
func (f *ConfigFlags) Load() (config []byte, file string, err error) {
	file = f.Config
	if file == "" {
		file = "Caddyfile"
	}
	if config, err = os.ReadFile(file); err != nil {
		if f.Config == "" && errors.Is(err, fs.ErrNotExist) {
			return nil, "", nil
		}
		return nil, "", fmt.Errorf("the configuration: %w", err)
	}
	adapter := f.Adapter
	if base := strings.ToLower(filepath.Base(file)); adapter == "" && (strings.HasPrefix(base, "caddyfile") || strings.HasSuffix(base, ".caddyfile")) {
		adapter = "caddyfile"
	}
	if adapter == "" {
		if !json.Valid(config) {
			return nil, "", fmt.Errorf("the configuration '%s' is not JSON; name its adapter, such as --adapter caddyfile", file)
		}
		return config, file, nil
	}
	with := caddyconfig.GetAdapter(adapter)
	if with == nil {
		return nil, "", fmt.Errorf("--adapter '%s' is unknown", adapter)
	}
	config, _, err = with.Adapt(config, map[string]any{"filename": file})
	return config, file, err
}

// Server makes a client for the operations of an app in the server that the flags
// or the configuration, as Load has returned it, name.
func (f *ConfigFlags) Server(app string, config []byte, file string) (*admin.Client, error) {
	address, err := caddycmd.DetermineAdminAPIAddress(f.Address, config, file, f.Adapter)
	if err != nil {
		return nil, err
	}
	server, err := admin.NewClient(app, address)
	if err != nil {
		return nil, &UsageError{err.Error()}
	}
	return server, nil
}
