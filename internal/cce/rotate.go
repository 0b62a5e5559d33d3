package cce

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/cscp"
)

// PasswordLength is the length of a new password in letters and digits, as the
// API document has it.
const PasswordLength = 24

// Rotation gives the account behind LOGIN a new password, in CCE and in its
// files.
type Rotation struct {
	User  string
	Files AccountFiles
	// Random is where the password comes from: crypto/rand.Reader.
	Random io.Reader
	// Open opens another connection, on which the new password is tried.
	Open func(context.Context) (*cscp.Conn, error)
}

// Rotated is what a rotation has done.
type Rotated struct {
	OID cscp.OID
	// UserMade: there was no such user before; KeyMade: there was no master key.
	UserMade, KeyMade bool
	// Warnings are what somebody has to look at, though the password is new.
	Warnings []string
}

// Run rotates over a connection with administrator's rights. A user that is
// missing is made, as a system administrator; one that is there keeps what he
// may do. Both lose shell and root access, where CCE knows of them.
//
// Before CCE is told, the new password is on disk, beside the old one and under
// the same name with .new behind it. That file goes when the new one is in its
// place, or if CCE has certainly not taken the password, and then a master key that
// was made for it goes, too. Else it stays, and the error says so. Whatever has
// happened, another Run mends it.
func (r *Rotation) Run(ctx context.Context, admin *cscp.Conn) (*Rotated, error) {
	if err := r.Files.Check(); err != nil {
		return nil, err
	}
	user, err := r.findUser(ctx, admin)
	if err != nil {
		return nil, err
	}
	text, err := credential.RandomBase62(r.Random, PasswordLength)
	if err != nil {
		return nil, err
	}
	password := cscp.Secret(text)
	next, err := r.Files.prepare(password, r.Random)
	if err != nil {
		return nil, err
	}
	done := &Rotated{UserMade: user == nil, KeyMade: next.keyMade}
	if done.OID, err = r.change(ctx, admin, user, password); err != nil {
		return nil, r.unchanged(err, next)
	}
	if err := r.install(ctx, next, password, done); err != nil {
		return nil, err
	}
	r.restrict(ctx, admin, done, user)
	return done, nil
}

// change gives the user the password. A user that is missing is made.
func (r *Rotation) change(ctx context.Context, admin *cscp.Conn, user *foundUser, password cscp.Secret) (cscp.OID, error) {
	if user == nil {
		return r.makeUser(ctx, admin, password)
	}
	return user.oid, r.set(ctx, admin, cscp.Set{OID: user.oid, Values: []cscp.Pair{{Name: "password", Value: string(password)}}}, password)
}

// unchanged is what to say if cced has not, or perhaps not, taken the password.
func (r *Rotation) unchanged(err error, next *newPassword) error {
	if _, unknown := errors.AsType[*cscp.UnknownOutcomeError](err); unknown {
		return fmt.Errorf("%w; the password of user '%s' may be the new one, which is in '%s', or still that in '%s': rotate again", err, r.User, next.path, next.target)
	}
	return errors.Join(err, next.discard(), next.discardKey())
}

// install tries the password that cced has taken, and puts it in its place.
func (r *Rotation) install(ctx context.Context, next *newPassword, password cscp.Secret, done *Rotated) error {
	err := r.prove(ctx, password)
	if errors.Is(err, cscp.ErrRefused) {
		return fmt.Errorf("cced says that user '%s' has a new password, but does not accept it; is PAM asked, and was cced not started read-only? The new password is in '%s', and '%s' is as it was; rotate again when that is mended", r.User, next.path, next.target)
	}
	if err != nil {
		done.warn("the new password could not be tried: %v", err)
	}
	if err := next.install(); err != nil {
		return fmt.Errorf("user '%s' has a new password, and the file with it cannot be put in its place: %w; it is in '%s': rotate again when that is mended", r.User, err, next.path)
	}
	if err := next.discard(); err != nil {
		done.warn("a copy of the new password is left: %v", err)
	}
	return nil
}

func (d *Rotated) warn(format string, args ...any) {
	d.Warnings = append(d.Warnings, fmt.Sprintf(format, args...))
}

// foundUser is a user that CCE has.
type foundUser struct {
	oid           cscp.OID
	administrator bool
}

// findUser returns nil if there is no such user.
func (r *Rotation) findUser(ctx context.Context, admin *cscp.Conn) (*foundUser, error) {
	if r.User == "" || len(r.User) > cscp.MaxUser {
		return nil, fmt.Errorf("user '%s': the name of an account that sessions are opened for has 1 to %d bytes", r.User, cscp.MaxUser)
	}
	found, err := r.ask(ctx, admin, cscp.Find{Class: "User", Criteria: []cscp.Criterion{{Property: "name", Value: r.User}}}, "")
	if err != nil {
		return nil, err
	}
	oids := found.Objects()
	switch len(oids) {
	case 0:
		return nil, nil
	case 1:
	default:
		return nil, fmt.Errorf("CCE has %d users of the name '%s', objects %s; remove all but one", len(oids), r.User, strings.Join(oids, " and "))
	}
	oid, err := cscp.ParseOID(oids[0])
	if err != nil {
		return nil, err
	}
	values, err := r.properties(ctx, admin, oid)
	if err != nil {
		return nil, err
	}
	if enabled, known := values["enabled"]; known && (enabled == "" || enabled == "0") {
		return nil, fmt.Errorf("user '%s' (object %s) is disabled in CCE, so that no password would help; enable it, and rotate again", r.User, oid)
	}
	return &foundUser{oid, values["systemAdministrator"] == "1"}, nil
}

// makeUser makes the user with what every CCE knows. The rest depends on its
// schema and comes afterwards.
func (r *Rotation) makeUser(ctx context.Context, admin *cscp.Conn, password cscp.Secret) (cscp.OID, error) {
	reply, err := r.ask(ctx, admin, cscp.Create{Class: "User", Values: []cscp.Pair{
		{Name: "name", Value: r.User},
		{Name: "fullName", Value: "API Integration Account"},
		{Name: "systemAdministrator", Value: "1"},
		{Name: "password", Value: string(password)},
	}}, password)
	if err != nil {
		return 0, err
	}
	oids := reply.Objects()
	if len(oids) != 1 {
		return 0, &cscp.UnknownOutcomeError{Word: "CREATE", Err: cscp.ErrProtocol}
	}
	return cscp.ParseOID(oids[0])
}

// prove logs in with the password, since a cced that was started read-only says
// OK to everything and forgets it.
func (r *Rotation) prove(ctx context.Context, password cscp.Secret) error {
	conn, err := r.Open(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.LogIn(ctx, r.User, password); err != nil {
		return err
	}
	_, err = conn.Do(ctx, cscp.EndKey{})
	return err
}

// wanted are the properties of a new user which the service that the endpoint
// replaces sets where the schema has them.
var wanted = []cscp.Pair{
	{Name: "enabled", Value: "1"},
	{Name: "ui_enabled", Value: "1"},
	{Name: "stylePreference", Value: "BlueOnyx"},
	{Name: "localePreference", Value: "browser"},
}

// denied are the namespaces of a user that give access to the system itself.
var denied = []string{"Shell", "RootAccess"}

// restrict sets what else belongs to the account. was is the user that was
// there before.
func (r *Rotation) restrict(ctx context.Context, admin *cscp.Conn, done *Rotated, was *foundUser) {
	if was == nil {
		if err := r.complete(ctx, admin, done.OID); err != nil {
			done.warn("not all properties could be set: %v", err)
		}
	} else if !was.administrator {
		done.warn("user '%s' is no system administrator, and those who log in by LOGIN can do no more than he", r.User)
	}
	names, err := r.ask(ctx, admin, cscp.Names{OID: done.OID}, "")
	if err != nil {
		done.warn("it is not known whether the user has shell and root access: %v", err)
		return
	}
	for _, there := range names.Namespaces() {
		for _, namespace := range denied {
			if there != namespace {
				continue
			}
			off := cscp.Set{OID: done.OID, Namespace: namespace, Values: []cscp.Pair{{Name: "enabled", Value: "0"}}}
			if err := r.set(ctx, admin, off, ""); err != nil {
				done.warn("%s could not be denied: %v", namespace, err)
			}
		}
	}
}

// complete sets those of the wanted properties that the schema has.
func (r *Rotation) complete(ctx context.Context, admin *cscp.Conn, oid cscp.OID) error {
	values, err := r.properties(ctx, admin, oid)
	if err != nil {
		return err
	}
	missing := cscp.Set{OID: oid}
	for _, p := range wanted {
		if value, known := values[p.Name]; known && value != p.Value {
			missing.Values = append(missing.Values, p)
		}
	}
	if len(missing.Values) == 0 {
		return nil
	}
	return r.set(ctx, admin, missing, "")
}

func (r *Rotation) properties(ctx context.Context, admin *cscp.Conn, oid cscp.OID) (map[string]string, error) {
	reply, err := r.ask(ctx, admin, cscp.Get{OID: oid}, "")
	if err != nil {
		return nil, err
	}
	return reply.Values()
}

func (r *Rotation) set(ctx context.Context, admin *cscp.Conn, command cscp.Set, password cscp.Secret) error {
	_, err := r.ask(ctx, admin, command, password)
	return err
}

// ask carries a command out. If cced refuses it the error has its words, without
// the password, which a handler may have put there.
func (r *Rotation) ask(ctx context.Context, admin *cscp.Conn, command cscp.Command, password cscp.Secret) (*cscp.Reply, error) {
	reply, err := admin.Do(ctx, command)
	if err != nil {
		return nil, fmt.Errorf("%s for user '%s': %w", command.Word(), r.User, err)
	}
	if reply.OK() {
		return reply, nil
	}
	var said []string
	for line := range reply.Lines() {
		if line.IsError() {
			said = append(said, fmt.Sprintf("%d %s", line.Code, line.Text))
		}
	}
	text := strings.Join(said, ", ")
	if password != "" {
		text = strings.ReplaceAll(text, string(password), password.String())
	}
	hint := ""
	if reply.Has(cscp.CodePermissionDenied) {
		hint = "; it needs the rights of an administrator: run it as root"
	}
	return nil, fmt.Errorf("cced refuses %s for user '%s': %s%s", command.Word(), r.User, text, hint)
}
