package identity

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/password"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// ImportedUser is a user of other software.
type ImportedUser struct {
	Username string `json:"username"`
	// PasswordHash is what password.Imported or ImportedBcrypt writes. Empty means that
	// there is no password.
	PasswordHash string   `json:"password_hash,omitempty"`
	DisplayName  string   `json:"display_name,omitempty"`
	Email        string   `json:"email,omitempty"`
	Roles        []string `json:"roles,omitempty"`
	Groups       []string `json:"groups,omitempty"`
	// Disabled users' credentials are refused until the user is enabled.
	Disabled bool `json:"disabled,omitempty"`
	// Quota is how many requests are answered at once; 0 is what the endpoint says.
	Quota int64         `json:"quota,omitempty"`
	Keys  []ImportedKey `json:"keys,omitempty"`
}

// ImportedKey is a key of such a user, which will be found by the user's name and its
// own.
type ImportedKey struct {
	Name string `json:"name"`
	// Hash is what password.ImportedBcrypt writes.
	Hash   string           `json:"hash"`
	Scopes principal.Scopes `json:"scopes"`
	// Impersonation and Agents are as in NewKey.
	Impersonation bool      `json:"impersonation,omitempty"`
	Agents        []string  `json:"agents,omitempty"`
	Expires       time.Time `json:"expires,omitzero"`
}

// Import says what has become of an ImportedUser.
type Import struct {
	Username string `json:"username"`
	// Added is false if there is a user of that name already, who stays as he is.
	Added bool `json:"added"`
	// HasPassword and Keys are of those who were added.
	HasPassword bool `json:"has_password"`
	Keys        int  `json:"keys,omitempty"`
}

// maxImport is how many users can be imported at once, maxImportKeys how many keys a
// user can bring.
const maxImport, maxImportKeys = 1000, 100

// CheckImport says what is wrong with users who are to be imported, an error for
// each; none if they can be. It does not look who is there already.
func CheckImport(users []ImportedUser) (wrong []error) {
	names := make(map[string]string, len(users))
	for _, u := range users {
		if err := checkUsername(u.Username); err != nil {
			wrong = append(wrong, err)
			continue
		}
		fold := Fold(u.Username)
		if other, taken := names[fold]; taken {
			wrong = append(wrong, invalid("'%s' and '%s' are one user name: upper and lower case are the same", other, u.Username))
		}
		names[fold] = u.Username
		for _, err := range u.check() {
			wrong = append(wrong, invalid("user '%s': %s", u.Username, err))
		}
	}
	return wrong
}

// check says what is wrong with a user but for the name.
func (u *ImportedUser) check() (wrong []error) {
	if u.PasswordHash != "" {
		wrong = append(wrong, password.CheckImported(u.PasswordHash))
	}
	if u.Quota < 0 || u.Quota > math.MaxInt32 {
		wrong = append(wrong, invalid("quota %d: use 0 to %d", u.Quota, math.MaxInt32))
	}
	if len(u.Keys) > maxImportKeys {
		wrong = append(wrong, invalid("%d keys: there can be %d", len(u.Keys), maxImportKeys))
	}
	wrong = append(wrong, u.edit().apply(new(store.User)))
	names := make(map[string]bool, len(u.Keys))
	for i := range u.Keys {
		k := &u.Keys[i]
		if names[k.Name] {
			wrong = append(wrong, invalid("key name '%s' is there twice", printable(k.Name)))
		}
		names[k.Name] = true
		if err := errors.Join(k.newKey(u.Username).check(time.Time{}), password.CheckBcrypt(k.Hash)); err != nil {
			wrong = append(wrong, invalid("key '%s': %s", printable(k.Name), err))
		}
	}
	return slices.DeleteFunc(wrong, func(err error) bool { return err == nil })
}

func (u *ImportedUser) edit() *UserEdit {
	return &UserEdit{DisplayName: &u.DisplayName, Email: &u.Email, Roles: &u.Roles, Groups: &u.Groups}
}

func (k *ImportedKey) newKey(username string) *NewKey {
	return &NewKey{Username: username, Name: k.Name, Scopes: k.Scopes, Impersonation: k.Impersonation, Agents: slices.Clone(k.Agents), Expires: k.Expires}
}

// ImportUsers adds users with the hashes of their passwords, all or none, and says
// what has become of each, in the order of the list. Their passwords are not held
// against the policy, which nobody could: the first log-in replaces the hash, and the
// first use that of a key. Who is there already is left alone, the keys included.
func (r *Registry) ImportUsers(ctx context.Context, actor string, users []ImportedUser) (done []Import, err error) {
	if len(users) > maxImport {
		return nil, invalid("%d users: import %d at most", len(users), maxImport)
	}
	if wrong := CheckImport(users); len(wrong) > 0 {
		return nil, invalid("%s", errors.Join(wrong...))
	}
	err = r.change(ctx, store.Event{Kind: "user.import", Actor: actor}, func(c *store.Change, e *store.Event) error {
		done = make([]Import, 0, len(users))
		added := 0
		for i := range users {
			isNew, err := r.importUser(c, actor, &users[i])
			if err != nil {
				return err
			}
			if isNew {
				added++
			}
			one := Import{Username: users[i].Username, Added: isNew}
			if isNew {
				one.HasPassword, one.Keys = users[i].PasswordHash != "", len(users[i].Keys)
			}
			done = append(done, one)
		}
		e.Detail = fmt.Sprintf("%d added, %d already there", added, len(users)-added)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return done, nil
}

// importUser adds a user, unless the name is taken, and writes it into the audit
// trail.
func (r *Registry) importUser(c *store.Change, actor string, in *ImportedUser) (added bool, err error) {
	switch _, err := c.UserByFold(Fold(in.Username)); {
	case err == nil:
		return false, nil
	case !errors.Is(err, store.ErrNotFound):
		return false, err
	}
	u, err := r.newUser(in.Username)
	if err != nil {
		return false, err
	}
	if err := in.edit().apply(&u); err != nil {
		return false, err
	}
	if u.Quota = in.Quota; in.Disabled {
		u.State = store.Disabled
	}
	if err := c.InsertUser(&u); err != nil {
		return false, err
	}
	if in.PasswordHash != "" {
		r.expectHash(in.PasswordHash)
		if err := c.SetPassword(&u, store.Password{PHC: in.PasswordHash, Changed: u.Created}); err != nil {
			return false, err
		}
	}
	err = r.recordImport(c, &store.Event{Kind: "user.add", Actor: actor, UserID: u.ID, Detail: u.Username})
	for i := range in.Keys {
		if err == nil {
			err = r.importKey(c, actor, &u, &in.Keys[i])
		}
	}
	return true, err
}

// importKey adds a key by name of a user who was added, and writes it into the audit
// trail.
func (r *Registry) importKey(c *store.Change, actor string, u *store.User, in *ImportedKey) error {
	n := in.newKey(u.Username)
	if err := n.check(time.Time{}); err != nil {
		return err
	}
	id, err := credential.NewKeyID(r.random)
	if err != nil {
		return err
	}
	r.expectHash(in.Hash)
	// There is no verifier, but a key names a pepper.
	_, pepper := r.peppers.newest()
	k := store.Key{
		ID: id.String(), UserID: u.ID, Username: u.Username, Name: n.Name, Pepper: pepper, Scopes: n.Scopes, Expires: n.Expires,
		Impersonation: n.Impersonation, Agents: n.Agents, ByName: true, ImportedHash: in.Hash, Created: u.Created, CreatedBy: actor,
	}
	if err := c.InsertKey(&k); err != nil {
		return err
	}
	return r.recordImport(c, &store.Event{Kind: "key.issue", Actor: actor, UserID: u.ID, KeyID: k.ID, Detail: u.Username + "/" + k.Name})
}

func (r *Registry) recordImport(c *store.Change, e *store.Event) (err error) {
	e.Time, e.Outcome, e.Detail = r.now(), "ok", e.Detail+": imported"
	if e.ID, err = r.newID(); err != nil {
		return err
	}
	return c.Record(e)
}

// expectHash tells the hasher of a hash that was imported, before it is there.
func (r *Registry) expectHash(phc string) {
	if strings.HasPrefix(phc, password.ImportedPrefix) {
		r.hasher.ExpectImported()
	}
	r.hasher.ExpectBcrypt(phc)
}

// ImportedLeft counts the hashes that were imported and not replaced since by a log-in,
// or by the first use of a key.
func (r *Registry) ImportedLeft(ctx context.Context) (store.ImportedLeft, error) {
	return r.store.ImportedLeft(ctx, password.OwnPrefix)
}
