package caddyauth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/plugin/command"
	"github.com/sallyport/sallyport/internal/store"
)

// pageSize is how many users or keys one answer lists.
const pageSize = 500

// operation is one thing that an administrator can do. The admin API and the
// command line run the same ones, so that they cannot drift apart.
type operation func(ctx context.Context, r *identity.Registry, actor string, input json.RawMessage) (any, error)

// operations by the name they have in the admin API.
var operations = map[string]operation{
	"user/add":     typed(addUser),
	"user/list":    typed(listUsers),
	"user/show":    typed(showUser),
	"user/edit":    typed(editUser),
	"user/disable": typed(disableUser),
	"user/enable":  typed(enableUser),
	"user/delete":  typed(deleteUser),
	"user/passwd":  typed(setPassword),
	"user/unlock":  typed(unlockUser),
	"user/import":  typed(importUsers),

	"user/imported-left": typed(importedLeft),

	"session/list":   typed(listSessions),
	"session/revoke": typed(revokeSessions),
	"lockout/list":   typed(listLockOuts),

	"key/issue":   typed(issueKey),
	"key/list":    typed(listKeys),
	"key/show":    typed(showKey),
	"key/disable": typed(disableKey),
	"key/enable":  typed(enableKey),
	"key/revoke":  typed(revokeKey),
	"key/rotate":  typed(rotateKey),
	"audit/list":  typed(listEvents),
	"store/info":  typed(storeInfo),
	"store/check": typed(checkStore),

	"provider/links":  typed(listIdentities),
	"provider/link":   typed(linkIdentity),
	"provider/unlink": typed(unlinkIdentity),
	"provider/revoke": typed(revokeToken),

	"store/pepper/rotate": typed(rotatePepper),
	"store/pepper/status": typed(pepperStatus),
	"store/pepper/retire": typed(retirePeppers),
}

// request is an operation's surroundings.
type request struct {
	ctx      context.Context
	registry *identity.Registry
	// actor is who is asking, for the audit trail.
	actor string
}

// typed makes an operation of a function. Input with unknown fields is refused:
// a setting that is silently lost could be a limit.
func typed[In, Out any](f func(request, In) (Out, error)) operation {
	return func(ctx context.Context, r *identity.Registry, actor string, input json.RawMessage) (any, error) {
		var in In
		decoder := json.NewDecoder(bytes.NewReader(input))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&in); err != nil {
			return nil, &inputError{err}
		}
		return f(request{ctx, r, actor}, in)
	}
}

// inputError: the input of an operation cannot be read.
type inputError struct{ err error }

func (e *inputError) Error() string { return "input: " + e.err.Error() }
func (e *inputError) Unwrap() error { return e.err }

type (
	userInput struct {
		User string `json:"user"`
	}
	editInput struct {
		userInput
		identity.UserEdit
	}
	passwordInput struct {
		userInput
		Password string `json:"password"`
	}
	importInput struct {
		Users []identity.ImportedUser `json:"users"`
	}
	// unlocked says whether there was anything to forget.
	unlocked struct {
		Unlocked bool `json:"unlocked"`
	}
	listSessionsInput struct {
		// User limits the list to the sessions of one.
		User string `json:"user,omitempty"`
		// After is the last id of the page before.
		After string `json:"after,omitempty"`
	}
	revokeSessionsInput struct {
		// ID is that of one session. User, without it, ends all of a user.
		ID   string `json:"id,omitempty"`
		User string `json:"user,omitempty"`
	}
	// ended says how many sessions were ended.
	ended struct {
		Ended int `json:"ended"`
	}
	listUsersInput struct {
		// After is the last user name of the page before.
		After string `json:"after,omitempty"`
	}
	keyInput struct {
		// Key is `user/name` or a public id.
		Key string `json:"key"`
	}
	revokeInput struct {
		keyInput
		Reason string `json:"reason,omitempty"`
	}
	rotateInput struct {
		keyInput
		// Overlap is how long the old secret stays valid, in nanoseconds.
		Overlap time.Duration `json:"overlap,omitempty"`
	}
	listKeysInput struct {
		// User limits the list to the keys of one.
		User string `json:"user,omitempty"`
		// Revoked includes revoked keys.
		Revoked bool `json:"revoked,omitempty"`
		// After is the last id of the page before.
		After string `json:"after,omitempty"`
	}
	listEventsInput struct {
		// Last is how many events to list, the newest first.
		Last int `json:"last"`
	}
	// issued is the one answer that holds a secret: the key itself, for whoever
	// asked for it.
	issued struct {
		store.Key
		Word string `json:"key"`
	}
)

func addUser(r request, in identity.NewUser) (store.User, error) {
	return r.registry.AddUser(r.ctx, r.actor, in)
}

func listUsers(r request, in listUsersInput) ([]store.User, error) {
	return r.registry.Users(r.ctx, in.After, pageSize)
}

func showUser(r request, in userInput) (store.User, error) {
	return r.registry.User(r.ctx, in.User)
}

func editUser(r request, in editInput) (store.User, error) {
	return r.registry.EditUser(r.ctx, r.actor, in.User, in.UserEdit)
}

func disableUser(r request, in userInput) (store.User, error) {
	return r.registry.DisableUser(r.ctx, r.actor, in.User)
}

func enableUser(r request, in userInput) (store.User, error) {
	return r.registry.EnableUser(r.ctx, r.actor, in.User)
}

func deleteUser(r request, in userInput) (struct{}, error) {
	return struct{}{}, r.registry.DeleteUser(r.ctx, r.actor, in.User)
}

func setPassword(r request, in passwordInput) (store.User, error) {
	return r.registry.SetPassword(r.ctx, r.actor, in.User, in.Password)
}

func unlockUser(r request, in userInput) (unlocked, error) {
	any, err := r.registry.Unlock(r.ctx, r.actor, in.User)
	return unlocked{any}, err
}

func importUsers(r request, in importInput) ([]identity.Import, error) {
	return r.registry.ImportUsers(r.ctx, r.actor, in.Users)
}

func listSessions(r request, in listSessionsInput) ([]store.Session, error) {
	return r.registry.Sessions(r.ctx, in.User, in.After, pageSize)
}

func importedLeft(r request, _ struct{}) (store.ImportedLeft, error) {
	return r.registry.ImportedLeft(r.ctx)
}

func revokeSessions(r request, in revokeSessionsInput) (ended, error) {
	if in.ID != "" {
		err := r.registry.EndSession(r.ctx, r.actor, in.User, in.ID)
		return ended{1}, err
	}
	n, err := r.registry.EndSessions(r.ctx, r.actor, in.User)
	return ended{n}, err
}

func listLockOuts(r request, _ struct{}) ([]identity.LockOut, error) {
	return r.registry.LockOuts(r.ctx)
}

func issueKey(r request, in identity.NewKey) (issued, error) {
	k, word, err := r.registry.IssueKey(r.ctx, r.actor, in)
	return issued{k, word.Reveal()}, err
}

func listKeys(r request, in listKeysInput) ([]store.Key, error) {
	if in.User != "" {
		// A user who is not there is an error, not one without keys.
		if _, err := r.registry.User(r.ctx, in.User); err != nil {
			return nil, err
		}
	}
	return r.registry.Keys(r.ctx, store.KeyFilter{UserFold: identity.Fold(in.User), Revoked: in.Revoked, After: in.After, Limit: pageSize})
}

func showKey(r request, in keyInput) (store.Key, error) {
	return withKey(in.Key, func(ref store.KeyRef) (store.Key, error) { return r.registry.Key(r.ctx, ref) })
}

func disableKey(r request, in keyInput) (store.Key, error) {
	return withKey(in.Key, func(ref store.KeyRef) (store.Key, error) { return r.registry.DisableKey(r.ctx, r.actor, ref) })
}

func enableKey(r request, in keyInput) (store.Key, error) {
	return withKey(in.Key, func(ref store.KeyRef) (store.Key, error) { return r.registry.EnableKey(r.ctx, r.actor, ref) })
}

func revokeKey(r request, in revokeInput) (store.Key, error) {
	return withKey(in.Key, func(ref store.KeyRef) (store.Key, error) {
		return r.registry.RevokeKey(r.ctx, r.actor, ref, in.Reason)
	})
}

func rotateKey(r request, in rotateInput) (issued, error) {
	return withKey(in.Key, func(ref store.KeyRef) (issued, error) {
		k, word, err := r.registry.RotateKey(r.ctx, r.actor, ref, in.Overlap)
		return issued{k, word.Reveal()}, err
	})
}

// withKey does something with the key that is named by the text.
func withKey[Out any](text string, do func(store.KeyRef) (Out, error)) (Out, error) {
	ref, err := identity.ParseKeyRef(text)
	if err != nil {
		var none Out
		return none, err
	}
	return do(ref)
}

// maxEvents bounds a list of events.
const maxEvents = 10_000

func listEvents(r request, in listEventsInput) ([]store.Event, error) {
	if in.Last < 1 || in.Last > maxEvents {
		return nil, &command.UsageError{Text: fmt.Sprintf("%d events cannot be listed; ask for 1 to %d", in.Last, maxEvents)}
	}
	return r.registry.Events(r.ctx, in.Last)
}

func storeInfo(r request, _ struct{}) (identity.Info, error) {
	return r.registry.Info(r.ctx)
}

func rotatePepper(r request, _ struct{}) (identity.PepperStatus, error) {
	return r.registry.RotatePepper(r.ctx, r.actor)
}

func pepperStatus(r request, _ struct{}) (identity.PepperStatus, error) {
	return r.registry.PepperStatus(r.ctx)
}

func retirePeppers(r request, in pepperRetireInput) (identity.Retired, error) {
	return r.registry.RetirePeppers(r.ctx, r.actor, in.Force)
}

// soundness is what was found in a store.
type soundness struct {
	// Problems are in the engine's words; none if the store is sound.
	Problems []string `json:"problems"`
}

// checkLimit bounds a check, below what a caller of the admin API waits.
const checkLimit = 20 * time.Second

func checkStore(r request, _ struct{}) (soundness, error) {
	ctx, cancel := context.WithTimeout(r.ctx, checkLimit)
	defer cancel()
	problems, err := r.registry.Check(ctx)
	return soundness{problems}, err
}

// statusOf is the HTTP status of an operation's error.
func statusOf(err error) int {
	if _, ok := errors.AsType[*identity.InvalidError](err); ok {
		return http.StatusBadRequest
	}
	if _, ok := errors.AsType[*inputError](err); ok {
		return http.StatusBadRequest
	}
	// The command line's own errors are told apart in the same way.
	if _, ok := errors.AsType[*command.UsageError](err); ok {
		return http.StatusBadRequest
	}
	if _, ok := errors.AsType[*identity.OldPepperError](err); ok {
		return http.StatusConflict
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, store.ErrExists), errors.Is(err, identity.ErrRevoked), errors.Is(err, identity.ErrDisabled),
		errors.Is(err, fs.ErrExist):
		return http.StatusConflict
	}
	return http.StatusServiceUnavailable
}

// perform runs an operation by its name.
func perform(ctx context.Context, r *identity.Registry, name, actor string, input json.RawMessage) (any, error) {
	do, known := operations[name]
	if !known {
		return nil, &inputError{fmt.Errorf("operation '%s' is unknown", name)}
	}
	return do(ctx, r, actor, input)
}
