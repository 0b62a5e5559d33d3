package caddycce

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/internal/cce"
	"github.com/sallyport/sallyport/internal/cscp"
	"github.com/sallyport/sallyport/internal/plugin/command"
)

// rotateLimit is how long a rotation may take: handlers of cced may take minutes.
const rotateLimit = 5 * time.Minute

// rotation are the flags of `caddy cce account rotate`.
type rotation struct {
	socket, user string
	files        cce.AccountFiles
}

func rotateCommand() *cobra.Command {
	var flags rotation
	c := command.Verb(cobra.Command{
		Use:   "rotate --password-file <file>",
		Short: "Gives the account a new password, and makes it if it is missing",
		Long: `
Gives the account behind LOGIN a new random password of 24 characters, in cced and
in its files. An account that is missing is made, as an administrator without a
shell; a master key that is missing is made too. Without --master-key-file the
password file is in the clear; one that is encrypted is not replaced by such a file.

It talks to cced's socket and must run as root, to which cced gives the right. The
password is not shown. The files keep the owner of the ones before, and new ones get
that of their directory: it has to be the user that Caddy runs as. A path that is a
symbolic link is followed only if the link is root's or your own. A running server
uses the new password for the next LOGIN, a second later at most; tokens that are
out stay good.`,
		Example: `  caddy cce account rotate --password-file /var/lib/sallyport/api.pass --master-key-file /var/lib/sallyport/master.key`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 || flags.files.Password == "" {
				return errors.New("the password file, and nothing else, has to be named")
			}
			return nil
		},
	}, nil, func(r *command.Run, _ []string) error { return flags.run(r) })
	c.Flags().StringVar(&flags.socket, "socket", defaultSocket, "cced's socket")
	c.Flags().StringVar(&flags.user, "user", cce.DefaultUser, "The account")
	c.Flags().StringVar(&flags.files.Password, "password-file", "", "The file of the password, as in 'api_password_file'")
	c.Flags().StringVar(&flags.files.MasterKey, "master-key-file", "", "The file of the passphrase, as in 'master_key_file'")
	return c
}

func (f *rotation) run(r *command.Run) error {
	address, err := socketAddress(f.socket)
	if err != nil {
		return &command.UsageError{Text: "--socket: " + err.Error()}
	}
	ctx, cancel := context.WithTimeout(r.Ctx, rotateLimit)
	defer cancel()
	dial := dialer(address)
	// Root's rights are what is wanted here, so they are not dropped.
	admin, err := cscp.Open(ctx, dial, cscp.Options{})
	if err != nil {
		return f.unreachable(err)
	}
	defer admin.Close()
	job := cce.Rotation{
		User: f.user, Files: f.files, Random: rand.Reader,
		Open: func(ctx context.Context) (*cscp.Conn, error) {
			return cscp.Open(ctx, dial, cscp.Options{DropRights: true})
		},
	}
	done, err := job.Run(ctx, admin)
	if err != nil {
		return err
	}
	return f.tell(r, done)
}

// unreachable says that there is no connection.
func (f *rotation) unreachable(err error) error {
	hint := ""
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		hint = "; is cced running, and is this its socket?"
	}
	return fmt.Errorf("socket %s: %w%s", f.socket, err, hint)
}

// tell says what was done.
func (f *rotation) tell(r *command.Run, done *cce.Rotated) error {
	var lines []string
	if done.UserMade {
		lines = append(lines, fmt.Sprintf("account '%s' was missing, and is made (oid %s)", f.user, done.OID))
	}
	if done.KeyMade {
		lines = append(lines, fmt.Sprintf("'%s' was missing, and is made", f.files.MasterKey))
	}
	lines = append(lines, fmt.Sprintf("account '%s' has a new password; it is in '%s'", f.user, f.files.Password))
	for _, warning := range done.Warnings {
		lines = append(lines, "warning: "+warning)
	}
	for _, line := range lines {
		if err := r.Say("%s", line); err != nil {
			return err
		}
	}
	return nil
}
