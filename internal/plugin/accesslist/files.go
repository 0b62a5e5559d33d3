package accesslist

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sallyport/sallyport/internal/allowlist"
	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/plugin/report"
)

func init() {
	caddy.RegisterModule(SecretsFiles{})
}

// SecretsFiles holds the files of secrets that the address lists of a
// configuration use, those of client_secret for instance. It has no settings, and
// is there wherever such a list is: handlers are not told when the server starts,
// but files may be made only then, and not when a configuration is validated.
type SecretsFiles struct {
	ctx   caddy.Context
	log   *slog.Logger
	files map[string]*fileInUse
}

// fileInUse is this configuration's share of a file, and the entries of all its
// lists.
type fileInUse struct {
	*sharedSecrets
	entries []allowlist.Entry
	// option is the one that has named the file first.
	option string
	// logged is where the file logged before the start.
	logged *slog.Logger
}

const secretsFilesName = "client_secret_files"

const (
	// openLimit is how long reading the files may take, waiting for another
	// program's lock included.
	openLimit = 30 * time.Second
	// readyWait is how long a request waits for the files after a start.
	readyWait = 5 * time.Second
)

// CaddyModule returns the Caddy module information.
func (SecretsFiles) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: secretsFilesName, New: func() caddy.Module { return new(SecretsFiles) }}
}

// Provision prepares the app.
func (s *SecretsFiles) Provision(ctx caddy.Context) error {
	s.ctx, s.log, s.files = ctx, ctx.Slogger(), map[string]*fileInUse{}
	return nil
}

// Start reads the files, and makes what is missing of them.
func (s *SecretsFiles) Start() error {
	s.warnOfProxies()
	ctx, cancel := context.WithTimeout(context.Background(), openLimit)
	defer cancel()
	for path, file := range s.files {
		file.logged = file.log.Use(s.log)
		if err := file.Open(ctx, file.entries); err != nil {
			return withDirectory(file.option, path, err)
		}
		file.openOnce.Do(func() { close(file.opened) })
	}
	return nil
}

// withDirectory says so where a file cannot be made for want of its directory:
// the name of the file alone would send the reader to the wrong place.
func withDirectory(option, path string, err error) error {
	dir := filepath.Dir(path)
	if _, missing := os.Stat(dir); errors.Is(err, fs.ErrNotExist) && errors.Is(missing, fs.ErrNotExist) {
		return fmt.Errorf("%s: the directory '%s' is missing; make it, so that Caddy may write there: %w", option, dir, err)
	}
	return err
}

// Stop does nothing: requests may still be running.
func (s *SecretsFiles) Stop() error { return nil }

// Cleanup gives the shares back.
func (s *SecretsFiles) Cleanup() error {
	for path, file := range s.files {
		// If no other configuration has started since, this one has failed, and
		// the one before goes on.
		if file.logged != nil {
			file.log.Undo(s.log, file.logged)
		}
		if _, err := secretsFiles.Delete(path); err != nil {
			return err
		}
		delete(s.files, path)
	}
	return nil
}

// warnOfProxies tells the administrator of servers whose clients may choose
// their own address.
func (s *SecretsFiles) warnOfProxies() {
	app, err := s.ctx.AppIfConfigured("http")
	if err != nil || len(s.files) == 0 {
		return
	}
	for name, server := range app.(*caddyhttp.App).Servers {
		if server.TrustedProxiesStrict == 0 && trustsProxies(server) {
			s.log.Warn("trusted_proxies is set without trusted_proxies_strict: clients may choose their address by X-Forwarded-For, so lists of addresses do not hold",
				slog.String("server", name))
		}
	}
}

// trustsProxies reports whether a server believes what proxies say of addresses.
// Caddy forgets the setting when it has made a module of it, and shows that
// module to nobody, so its field is looked at.
func trustsProxies(server *caddyhttp.Server) bool {
	module := reflect.ValueOf(server).Elem().FieldByName("trustedProxies")
	known := module.IsValid() && module.Kind() == reflect.Interface
	return server.TrustedProxiesUnix || known && !module.IsNil()
}

// secretsFiles shares files of secrets between a configuration and its
// successor, so that a reload opens none twice and forgets no failures. The key
// is the absolute path.
var secretsFiles = caddy.NewUsagePool()

// sharedSecrets is a file of secrets in use.
type sharedSecrets struct {
	*allowlist.File
	// log writes to the log of the configuration that was started last.
	log *report.ReloadableLog
	// opened is closed when the file has been read.
	opened   chan struct{}
	openOnce sync.Once
}

// shareSecrets returns the file at a path for a list of a configuration, the one
// in use if there is one. The app of the configuration gives it back. option
// is what names the file.
func shareSecrets(ctx caddy.Context, path, option string, entries []allowlist.Entry) (*sharedSecrets, error) {
	app, err := ctx.App(secretsFilesName)
	if err != nil {
		return nil, err
	}
	s := app.(*SecretsFiles)
	file, shared := s.files[path]
	if !shared {
		value, _, err := secretsFiles.LoadOrNew(path, func() (caddy.Destructor, error) {
			return newSharedSecrets(path, s.log), nil
		})
		if err != nil {
			return nil, err
		}
		file = &fileInUse{sharedSecrets: value.(*sharedSecrets), option: option}
		s.files[path] = file
	}
	file.entries = append(file.entries, entries...)
	return file.sharedSecrets, nil
}

func newSharedSecrets(path string, log *slog.Logger) *sharedSecrets {
	reloadable := report.NewReloadableLog(log)
	return &sharedSecrets{
		File: allowlist.NewFile(path, RandomSecret, slog.New(reloadable)),
		log:  reloadable, opened: make(chan struct{}),
	}
}

// RandomSecret makes n random letters and digits.
func RandomSecret(n int) (string, error) { return credential.RandomBase62(rand.Reader, n) }

// wait waits until the file has been read, at most readyWait, and reports
// whether it has.
func (s *sharedSecrets) wait(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	select {
	case <-s.opened:
		return true
	case <-ctx.Done():
		return false
	}
}

// Destruct closes the file after the last configuration that uses it is gone.
func (s *sharedSecrets) Destruct() error {
	s.Close()
	return nil
}

// health says what is wrong with the file, or is "".
func (s *sharedSecrets) health() string {
	if !s.Loaded() {
		return fmt.Sprintf("secrets file '%s' has not been read yet", s.Path())
	}
	return s.Problem()
}

// Problems lists what is wrong with the files of secrets in use, of all lists of
// the server. It is empty where all is well.
func Problems() []string {
	var problems []string
	secretsFiles.Range(func(_, value any) bool {
		if file, ours := value.(*sharedSecrets); ours && file.health() != "" {
			problems = append(problems, file.health())
		}
		return true
	})
	return problems
}

var (
	_ caddy.App          = (*SecretsFiles)(nil)
	_ caddy.Provisioner  = (*SecretsFiles)(nil)
	_ caddy.CleanerUpper = (*SecretsFiles)(nil)
	_ caddy.Destructor   = (*sharedSecrets)(nil)
)
