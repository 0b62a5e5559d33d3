package identity

import (
	"context"
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/internal/password"
	"github.com/sallyport/sallyport/internal/store"
)

// ImportedUser is a user of other software.
type ImportedUser struct {
	Username string `json:"username"`
	// PasswordHash is what password.Imported writes. Empty means that there is no
	// password.
	PasswordHash string `json:"password_hash,omitempty"`
}

// Import says what has become of an ImportedUser.
type Import struct {
	Username string `json:"username"`
	// Added is false if there is a user of that name already, who stays as he is.
	Added bool `json:"added"`
	// HasPassword is of those who were added.
	HasPassword bool `json:"has_password"`
}

// maxImport is how many users can be imported at once.
const maxImport = 1000

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
		if u.PasswordHash == "" {
			continue
		}
		if err := password.CheckImported(u.PasswordHash); err != nil {
			wrong = append(wrong, invalid("user '%s': %s", u.Username, err))
		}
	}
	return wrong
}

// ImportUsers adds users with the hashes of their passwords, all or none, and says
// what has become of each, in the order of the list. They are active and have
// neither roles nor groups. Their passwords are not held against the policy, which
// nobody could: the first log-in replaces the hash. Who is there already is left
// alone.
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
			done = append(done, Import{users[i].Username, isNew, isNew && users[i].PasswordHash != ""})
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
	if err := c.InsertUser(&u); err != nil {
		return false, err
	}
	if in.PasswordHash != "" {
		r.hasher.ExpectImported()
		if err := c.SetPassword(&u, store.Password{PHC: in.PasswordHash, Changed: u.Created}); err != nil {
			return false, err
		}
	}
	id, err := r.newID()
	if err != nil {
		return false, err
	}
	return true, c.Record(&store.Event{ID: id, Time: u.Created, Kind: "user.add", Outcome: "ok", Actor: actor, UserID: u.ID, Detail: u.Username + ": imported"})
}
