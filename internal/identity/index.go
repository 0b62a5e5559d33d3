package identity

import (
	"fmt"
	"hash/maphash"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// account is what checks need to know of a user. It is never changed.
type account struct {
	principal.User
	active bool
	// tokensAfter is store.User.TokensAfter in microseconds since 1970, 0 if it is not set.
	tokensAfter int64
}

// index is all that is in memory. Readers need no lock; there must be only one
// writer at a time.
type index struct {
	keys, tokens table
	accounts     atomic.Pointer[[]*account]
	// peppers are put in before the records that name them.
	peppers atomic.Pointer[pepperNumbers]
	// names find keys by name.
	names  atomic.Pointer[keyNames]
	former *former
	// identities find the numbers of accounts by whom other providers mean, refused tells
	// which of their tokens are not accepted, and whether these are spent.
	identities byDigest[uint32]
	refused    byDigest[bool]
	// numbers finds an account's number by the user's id. Numbers are never
	// used again while the process lives, or a reader that holds an old record
	// might find somebody else under its number. Only the writer looks here.
	numbers map[string]uint32
	seed    maphash.Seed
}

func newIndex() *index {
	x := &index{numbers: map[string]uint32{}, former: &former{}, seed: maphash.MakeSeed()}
	x.accounts.Store(new([]*account))
	x.names.Store(noKeyNames)
	return x
}

// account returns the account of that number, or nil if the user was deleted.
func (x *index) account(number uint32) *account { return (*x.accounts.Load())[number] }

// putUsers adds and replaces accounts. All of a load go in at once, since the
// list is copied.
func (x *index) putUsers(users []store.User) {
	accounts := slices.Clone(*x.accounts.Load())
	for i := range users {
		u := &users[i]
		number, known := x.numbers[u.ID]
		if !known {
			number = uint32(len(accounts))
			x.numbers[u.ID] = number
			accounts = append(accounts, nil)
		}
		accounts[number] = newAccount(u)
	}
	x.accounts.Store(&accounts)
}

func newAccount(u *store.User) *account {
	a := &account{
		User: principal.User{
			ID: u.ID, Name: u.Username, Fold: u.Fold, Roles: u.Roles, Groups: u.Groups, Epoch: u.Epoch, Quota: u.Quota,
			RoleList: strings.Join(u.Roles, ","), GroupList: strings.Join(u.Groups, ","),
		},
		active: u.State == store.Active,
	}
	if !u.TokensAfter.IsZero() {
		a.tokensAfter = u.TokensAfter.UnixMicro()
	}
	return a
}

// removeUser forgets an account. Records that still name it open nothing.
func (x *index) removeUser(id string) {
	number, known := x.numbers[id]
	if !known {
		return
	}
	accounts := slices.Clone(*x.accounts.Load())
	accounts[number] = nil
	x.accounts.Store(&accounts)
	delete(x.numbers, id)
}

// putKey adds or replaces a key.
func (x *index) putKey(k *store.Key) error {
	id, err := parseID("key", k.ID)
	if err != nil {
		return err
	}
	b := x.keys.edit(id)
	if err := x.addKey(b, id, k); err != nil {
		return err
	}
	x.keys.swap(id.Shard(), b.sorted())
	return nil
}

// putToken adds or replaces a token. A use that only memory knows is kept.
func (x *index) putToken(t *store.Token) error {
	id, err := parseID("token", t.ID)
	if err != nil {
		return err
	}
	used := x.tokens.usedAt(id)
	if t.FormerID != "" {
		before, err := parseID("token", t.FormerID)
		if err != nil {
			return err
		}
		used = max(used, x.tokens.usedAt(before))
		x.former.put(before, id)
	}
	b := x.tokens.edit(id)
	if err := x.addToken(b, id, t); err != nil {
		return err
	}
	b.records[len(b.records)-1].usedAtLeast(used)
	x.tokens.swap(id.Shard(), b.sorted())
	return nil
}

// keepUses takes over what the index before knew of the uses of tokens, and of
// their former ids, before there are readers: what has not been written yet must
// not make a token idle.
func (x *index) keepUses(old *index) {
	x.former = old.former
	for i := range old.tokens.shards {
		s := old.tokens.shards[i].Load()
		if s == nil {
			continue
		}
		for j := range s.records {
			if _, records := x.tokens.find(s.ids[j]); len(records) > 0 {
				records[0].usedAtLeast(atomic.LoadUint32(&s.records[j].used))
			}
		}
	}
}

func parseID(what, text string) (credential.KeyID, error) {
	id, err := credential.ParseKeyID(text)
	if err != nil {
		return id, fmt.Errorf("%s '%s' in the store: %w", what, text, err)
	}
	return id, nil
}

// records is what records are appended to.
type records interface {
	append(credential.KeyID, record, *terms)
}

// addKey appends the records of k to b, the current one first.
func (x *index) addKey(b records, id credential.KeyID, k *store.Key) error {
	number, known := x.numbers[k.UserID]
	if !known {
		return fmt.Errorf("key '%s' in the store: its user is missing", k.ID)
	}
	pepper, err := x.pepperNumber(k.Pepper)
	if err != nil {
		return fmt.Errorf("key '%s' in the store: %w", k.ID, err)
	}
	r := record{
		verifier: k.Verifier, pepper: pepper, name: x.hashName(k.Name), user: number, scopes: k.Scopes,
		window: secondsUp(k.NotBefore), expires: secondsDown(k.Expires),
	}
	if !k.Disabled.IsZero() {
		r.flags |= flagDisabled
	}
	if !k.Revoked.IsZero() {
		r.flags |= flagRevoked
	}
	if k.Impersonation {
		r.flags |= flagImpersonation
	}
	terms := termsOrNil(terms{Limits: k.Limits, agents: k.Agents})
	b.append(id, r, terms)
	if k.PreviousExpires.IsZero() {
		return nil
	}
	previous := r
	previous.verifier = k.Previous
	if previous.pepper, err = x.pepperNumber(k.PreviousPepper); err != nil {
		return fmt.Errorf("key '%s' in the store: %w", k.ID, err)
	}
	previous.flags |= flagPrevious
	if until := secondsDown(k.PreviousExpires); r.expires == 0 || until < r.expires {
		previous.expires = until
	}
	b.append(id, previous, terms)
	return nil
}

// addToken appends the record of t to b.
func (x *index) addToken(b records, id credential.KeyID, t *store.Token) error {
	number, known := x.numbers[t.UserID]
	if !known {
		return fmt.Errorf("token '%s' in the store: its user is missing", t.ID)
	}
	flag, known := tokenFlags[t.Kind]
	if !known {
		return fmt.Errorf("token '%s' in the store: its kind '%s' is unknown", t.ID, t.Kind)
	}
	pepper, err := x.pepperNumber(t.Pepper)
	if err != nil {
		return fmt.Errorf("token '%s' in the store: %w", t.ID, err)
	}
	b.append(id, record{
		verifier: t.Verifier, pepper: pepper, user: number, scopes: t.Scopes, flags: flag,
		window: uint32(t.Idle / time.Second), expires: secondsDown(t.Expires), used: secondsDown(t.LastUsed),
	}, termsOrNil(terms{Limits: t.Limits, roles: t.Roles, groups: t.Groups}))
	return nil
}

// identity is how an identity lies in memory.
func (x *index) identity(i *store.Identity) (d principal.Digest, number uint32, err error) {
	if d, err = parseDigest("identity", i.ID); err != nil {
		return d, 0, err
	}
	number, known := x.numbers[i.UserID]
	if !known {
		err = fmt.Errorf("identity '%s' in the store: its user is missing", i.ID)
	}
	return d, number, err
}

// terms are what a key or token is bound to, who may use a key for impersonation, and
// what a token gives beyond its user's own.
type terms struct {
	store.Limits
	agents        []string
	roles, groups []string
}

// termsOrNil returns terms to keep, or nil if there are none.
func termsOrNil(t terms) *terms {
	if t.None() && len(t.agents)+len(t.roles)+len(t.groups) == 0 {
		return nil
	}
	// t itself would be allocated for all.
	kept := t
	return &kept
}

// user is who presents a token of these terms, which may be nil.
func (t *terms) user(a *account) *principal.User {
	if t == nil {
		return &a.User
	}
	return a.With(t.roles, t.groups)
}

func (x *index) hashName(name string) uint64 { return maphash.String(x.seed, name) }

// contains reports whether addr is in one of the networks.
func contains(networks []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(addr) })
}
