package identity

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/password"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// bcryptOf is the hash of a text as howler has it, as cheap as there is.
func bcryptOf(t testing.TB, text string) string {
	t.Helper()
	raw, err := bcrypt.GenerateFromPassword([]byte(text)[:min(len(text), 72)], bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	phc, err := password.ImportedBcrypt(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	return phc
}

// newNamedWorld has the user bob, who was imported with a password and with keys, whose
// secrets are their names and "-secret".
func newNamedWorld(t testing.TB, with ...func(*ImportedKey)) *world {
	t.Helper()
	w := newWorld(t)
	u := ImportedUser{Username: "Bob", PasswordHash: bcryptOf(t, "devkey:password"), Roles: []string{"user"}}
	for _, name := range []string{"devkey", "other"} {
		k := ImportedKey{Name: name, Hash: bcryptOf(t, name+"-secret"), Scopes: principal.Read}
		for _, f := range with {
			f(&k)
		}
		u.Keys = append(u.Keys, k)
	}
	w.importUsers(u)
	return w
}

func basic(user, rest string) *credential.Presented {
	return &credential.Presented{Kind: credential.Basic, User: user, Secret: rest, Word: rest[strings.LastIndexByte(rest, ':')+1:]}
}

// present presents user:rest as a gate does that accepts keys and passwords.
func (w *world) present(user, rest string) (c Caller, byKey bool, reason Reason, err error) {
	p := basic(user, rest)
	if c, reason = w.mirror.Check(p, at(Circumstances{})); reason != UnknownKey && reason != WrongSecret && reason != Malformed && reason != Locked {
		return c, true, reason, nil
	}
	return w.mirror.CheckFirstUse(w.t.Context(), p, home, true, at(Circumstances{}))
}

// use is present where nothing depends on what comes of it.
func (w *world) use(user, rest string) {
	if _, _, reason, err := w.present(user, rest); reason == Accepted && err != nil {
		w.t.Error(err)
	}
}

// inMemory presents user:rest to memory alone.
func (w *world) inMemory(user, rest string) Reason {
	_, reason := w.mirror.Check(basic(user, rest), at(Circumstances{}))
	return reason
}

func (w *world) key(name string) store.Key {
	w.t.Helper()
	k, err := w.Key(w.t.Context(), store.KeyRef{UserFold: "bob", Name: name})
	if err != nil {
		w.t.Fatal(err)
	}
	return k
}

func TestTheFirstUseOfAKeyByNameReplacesItsHash(t *testing.T) {
	w := newNamedWorld(t)
	if !w.mirror.KeysByName() || !w.mirror.FirstUses() {
		t.Fatal("memory knows no keys by name")
	}
	if reason := w.inMemory("bob", "devkey:devkey-secret"); reason != WrongSecret {
		t.Fatalf("before its first use memory says %s", reason)
	}
	c, byKey, reason, err := w.present("BOB", "devkey:devkey-secret")
	k := w.key("devkey")
	if reason != Accepted || !byKey || err != nil || c.User.Name != "Bob" || c.ID.String() != k.ID || c.Scopes != principal.Read {
		t.Fatalf("%+v, %t, %s, %v", c, byKey, reason, err)
	}
	if k.ImportedHash != "" || !k.ByName || k.Verifier.Equal(&noVerifier) {
		t.Errorf("it is kept as %+v", k)
	}
	if e := w.events("key.replace_hash"); len(e) != 1 || e[0].Actor != "user:Bob" || e[0].OnBehalfOf != "" || e[0].KeyID != k.ID || e[0].Detail != "Bob/devkey" {
		t.Errorf("the audit trail has %+v", e)
	}
	hashes := w.Hashing().Hashes
	if reason := w.inMemory("bob", "devkey:devkey-secret"); reason != Accepted {
		t.Errorf("after it memory says %s", reason)
	}
	if n := w.Hashing().Hashes - hashes; n != 0 {
		t.Errorf("memory computes %d hashes", n)
	}
	for presented, want := range map[string]Reason{
		"devkey:devkey-secre": WrongSecret, "devkey:other-secret": WrongSecret, "nokey:devkey-secret": UnknownKey, "devkey": Malformed, "devkey:": Malformed,
	} {
		if reason := w.inMemory("bob", presented); reason != want {
			t.Errorf("'%s': %s, want %s", presented, reason, want)
		}
	}
	if reason := w.inMemory("alice", "devkey:devkey-secret"); reason != UnknownKey {
		t.Errorf("as another user: %s", reason)
	}
	w.restart()
	if reason := w.inMemory("bob", "devkey:devkey-secret"); reason != Accepted {
		t.Errorf("after a restart: %s", reason)
	}
}

func TestWhatIsNoKeyMayBeAPasswordWithAColon(t *testing.T) {
	w := newNamedWorld(t)
	for _, when := range []string{"first", "again"} {
		c, byKey, reason, err := w.present("bob", "devkey:password")
		if reason != Accepted || byKey || err != nil || c.User.Name != "Bob" || c.Scopes != principal.AllScopes {
			t.Errorf("%s: %+v, %t, %s, %v", when, c, byKey, reason, err)
		}
	}
	if phc := w.phcOf("bob"); !strings.HasPrefix(phc, password.OwnPrefix) {
		t.Errorf("its hash is %.10s", phc)
	}
	// Where only a key may be meant the password is not looked at.
	_, byKey, reason, err := w.mirror.CheckFirstUse(t.Context(), basic("bob", "devkey:password"), home, false, at(Circumstances{}))
	if reason != WrongPassword || byKey || !errors.Is(err, ErrWrongPassword) {
		t.Errorf("as a key alone: %t, %s, %v", byKey, reason, err)
	}
}

// Until the first use nobody can know more than bcrypt has read. From then on it is the
// whole secret.
func TestASecretIsCutAt72BytesForItsFirstUseOnly(t *testing.T) {
	first := strings.Repeat("S", 72)
	w := newNamedWorld(t, func(k *ImportedKey) { k.Hash = bcryptOf(t, first+"12345678") })
	if _, byKey, reason, err := w.present("bob", "devkey:"+first[1:]+"x"); reason != WrongPassword || byKey {
		t.Fatalf("another secret: %s, %v", reason, err)
	}
	if _, byKey, reason, err := w.present("bob", "devkey:"+first+"87654321"); reason != Accepted || !byKey {
		t.Fatalf("another tail: %s, %v", reason, err)
	}
	for tail, want := range map[string]Reason{"87654321": Accepted, "12345678": WrongSecret, "": WrongSecret} {
		if reason := w.inMemory("bob", "devkey:"+first+tail); reason != want {
			t.Errorf("'%s' after it: %s, want %s", tail, reason, want)
		}
	}
	if _, byKey, reason, _ := w.present("bob", "devkey:"+first+"12345678"); reason != WrongPassword || byKey {
		t.Errorf("the whole secret of before: %s", reason)
	}
}

// Nobody learns by the work that is done which keys there are.
func TestAFirstUseComputesTheSameHashesWhateverThereIs(t *testing.T) {
	w := newNamedWorld(t)
	w.use("bob", "devkey:devkey-secret")
	w.must(w.AddUser(t.Context(), "test", NewUser{Username: "carol"}))
	count := func(user, rest string, orPassword bool) uint64 {
		w.must(w.Unlock(t.Context(), "test", "bob"))
		before := w.Hashing().Hashes
		_, byKey, reason, err := w.mirror.CheckFirstUse(t.Context(), basic(user, rest), home, orPassword, at(Circumstances{}))
		if reason != WrongPassword || byKey {
			t.Errorf("%s, %s: %s, %v", user, rest, reason, err)
		}
		return w.Hashing().Hashes - before
	}
	for name, one := range map[string][2]string{
		"a key that was used": {"bob", "devkey:wrong"}, "one that was not": {"bob", "other:wrong"}, "none": {"bob", "none:wrong"},
		"a user without any": {"carol", "devkey:wrong"}, "no user": {"nobody", "devkey:wrong"}, "a name too long": {strings.Repeat("n", 2000), "devkey:wrong"},
	} {
		// argon2id, bcrypt for a password, bcrypt for a key.
		if n := count(one[0], one[1], true); n != 3 {
			t.Errorf("%s, or a password: %d hashes", name, n)
		}
		if n := count(one[0], one[1], false); n != 1 {
			t.Errorf("%s: %d hashes", name, n)
		}
	}
}

func TestALockedNameTakesTheTimeOfTheOthers(t *testing.T) {
	w := newNamedWorld(t)
	for range 10 {
		w.use("bob", "other:wrong")
	}
	before := w.Hashing().Hashes
	if _, _, reason, _ := w.present("bob", "other:other-secret"); reason != Locked {
		t.Fatal(reason)
	}
	if n := w.Hashing().Hashes - before; n != 3 {
		t.Errorf("%d hashes", n)
	}
}

func TestALockedNameHasNoFirstUse(t *testing.T) {
	w := newNamedWorld(t)
	w.use("bob", "devkey:devkey-secret")
	reason := Accepted
	for range 10 {
		_, reason, _ = w.mirror.CheckPassword(t.Context(), Attempt{Username: "bob", Password: wrong, Address: home})
	}
	if reason != Locked {
		t.Fatalf("ten failures: %s", reason)
	}
	if _, byKey, reason, err := w.present("bob", "other:other-secret"); reason != Locked || byKey {
		t.Errorf("a first use: %s, %v", reason, err)
	}
	if reason := w.inMemory("bob", "devkey:devkey-secret"); reason != Accepted {
		t.Errorf("a key that was used before: %s", reason)
	}
	w.must(w.Unlock(t.Context(), "test", "bob"))
	if _, byKey, reason, err := w.present("bob", "other:other-secret"); reason != Accepted || !byKey {
		t.Errorf("after the lock: %s, %v", reason, err)
	}
}

func TestAFirstUseTakesItsChargeBack(t *testing.T) {
	w := newNamedWorld(t)
	for range 30 {
		if _, byKey, reason, err := w.mirror.CheckFirstUse(t.Context(), basic("bob", "devkey:devkey-secret"), home, true, at(Circumstances{})); reason != Accepted || !byKey {
			t.Fatalf("%s, %v", reason, err)
		}
	}
	if n := len(w.events("key.replace_hash")); n != 1 {
		t.Errorf("it was replaced %d times", n)
	}
}

func TestTheStateOfAKeyDecidesAfterItsFirstUse(t *testing.T) {
	ref := store.KeyRef{UserFold: "bob", Name: "devkey"}
	for name, c := range map[string]struct {
		do   func(*world)
		want Reason
		then Reason
	}{
		"a disabled key":       {func(w *world) { w.must(w.DisableKey(t.Context(), "test", ref)) }, KeyDisabled, KeyDisabled},
		"a revoked key":        {func(w *world) { w.must(w.RevokeKey(t.Context(), "test", ref, "")) }, WrongPassword, UnknownKey},
		"a disabled user":      {func(w *world) { w.must(w.DisableUser(t.Context(), "test", "bob")) }, UserDisabled, UserDisabled},
		"one that has expired": {func(w *world) { w.later(48 * time.Hour) }, Expired, Expired},
		"a rotated key":        {func(w *world) { w.must(w.rotateNamed("devkey", 0)) }, WrongPassword, UnknownKey},
		"a deleted user":       {func(w *world) { w.must(nil, w.DeleteUser(t.Context(), "test", "bob")) }, WrongPassword, UnknownKey},
	} {
		t.Run(name, func(t *testing.T) {
			w := newNamedWorld(t, func(k *ImportedKey) { k.Expires = newClock().now().Add(24 * time.Hour) })
			c.do(w)
			for i, want := range []Reason{c.want, c.then} {
				_, _, reason, _ := w.present("bob", "devkey:devkey-secret")
				if i == 1 {
					reason = w.inMemory("bob", "devkey:devkey-secret")
				}
				if reason != want && (want != UnknownKey || reason != Malformed) {
					t.Errorf("use %d: %s, want %s", i+1, reason, want)
				}
			}
		})
	}
}

func (w *world) rotateNamed(name string, overlap time.Duration) (string, error) {
	_, word, err := w.RotateKey(w.t.Context(), "test", store.KeyRef{UserFold: "bob", Name: name}, overlap)
	return word.Reveal(), err
}

func TestARotatedKeyByNameIsAKeyOfOurs(t *testing.T) {
	w := newNamedWorld(t)
	if _, err := w.rotateNamed("devkey", time.Hour); err == nil || !strings.Contains(err.Error(), "rotate it without an overlap") {
		t.Fatalf("an overlap for a secret of which there is only the hash: %v", err)
	}
	w.use("bob", "devkey:devkey-secret")
	word, err := w.rotateNamed("devkey", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.inMemory("bob", "devkey:"+word); got != Accepted {
		t.Errorf("the new secret: %s", got)
	}
	if got := w.inMemory("bob", "devkey:devkey-secret"); got != Accepted {
		t.Errorf("the old secret in the overlap: %s", got)
	}
	w.later(2 * time.Hour)
	if got := w.inMemory("bob", "devkey:devkey-secret"); got != Expired {
		t.Errorf("the old secret after it: %s", got)
	}
	word, err = w.rotateNamed("devkey", 0)
	if got := w.inMemory("bob", "devkey:"+word); got != Accepted || err != nil {
		t.Errorf("the next secret: %s, %v", got, err)
	}
	if k := w.key("devkey"); k.ByName {
		t.Error("it is still found by its name")
	}
}

// What happens while the hash is computed is decided where the key is replaced.
func TestAFirstUseIsDecidedWithinTheTransaction(t *testing.T) {
	ref := store.KeyRef{UserFold: "bob", Name: "devkey"}
	attempt := func(w *world, secret string) (*KeyAttempt, store.LoginRecord, store.Key, time.Time) {
		a := keyAttempt("bob", basic("bob", "devkey:"+secret), home)
		record, charged, err := w.charge(t.Context(), &a.Attempt)
		if err != nil {
			t.Fatal(err)
		}
		key, err := w.namedKey(t.Context(), a)
		if err != nil || key.ImportedHash == "" {
			t.Fatalf("%+v, %v", key, err)
		}
		return a, record, key, charged
	}
	for name, c := range map[string]struct {
		do   func(*world)
		want error
	}{
		"nothing":                    {func(*world) {}, nil},
		"the same secret was faster": {func(w *world) { w.use("bob", "devkey:devkey-secret") }, nil},
		"revoked":                    {func(w *world) { w.must(w.RevokeKey(t.Context(), "test", ref, "")) }, ErrWrongPassword},
		"rotated":                    {func(w *world) { w.must(w.rotateNamed("devkey", 0)) }, ErrWrongPassword},
		"deleted":                    {func(w *world) { w.must(nil, w.DeleteUser(t.Context(), "test", "bob")) }, ErrWrongPassword},
		"another hash, as after a restore": {func(w *world) {
			w.must(nil, w.store.Change(t.Context(), func(c *store.Change) error {
				k, err := c.Key(ref)
				k.ImportedHash = bcryptOf(t, "devkey-secret")
				return errors.Join(err, c.UpdateKey(&k))
			}))
		}, ErrWrongPassword},
	} {
		t.Run(name, func(t *testing.T) {
			w := newNamedWorld(t)
			a, record, key, charged := attempt(w, "devkey-secret")
			c.do(w)
			if err := w.settleKey(t.Context(), a, &record, &key, charged); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

func TestTwoFirstUsesAtOnceAreOne(t *testing.T) {
	w := newNamedWorld(t)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			p := basic("bob", "devkey:devkey-secret")
			_, byKey, reason, err := w.mirror.CheckFirstUse(context.Background(), p, home, i%2 == 0, at(Circumstances{}))
			if reason != Accepted || !byKey {
				t.Errorf("%s, %v", reason, err)
			}
		})
	}
	all.Wait()
	if n := len(w.events("key.replace_hash")); n != 1 {
		t.Errorf("it was replaced %d times", n)
	}
}

func TestAKeyThatWasNotUsedNeedsNoPepper(t *testing.T) {
	w := newNamedWorld(t)
	w.use("bob", "other:other-secret")
	w.must(w.RotatePepper(t.Context(), "test"))
	w.later(0)
	status, err := w.PepperStatus(t.Context())
	if err != nil || status.Keys != 2 || status.OldKeys != 1 {
		t.Fatalf("%+v, %v", status, err)
	}
	// The one that was used moves when it is used next.
	if reason := w.inMemory("bob", "other:other-secret"); reason != Accepted {
		t.Fatalf("under the old pepper: %s", reason)
	}
	w.mirror.writeMoves(t.Context())
	if reason := w.inMemory("bob", "other:other-secret"); reason != Accepted {
		t.Fatalf("after it has moved: %s", reason)
	}
	w.must(w.RetirePeppers(t.Context(), "test", false))
	w.later(0)
	for _, name := range []string{"other", "devkey"} {
		if _, byKey, reason, err := w.present("bob", name+":"+name+"-secret"); reason != Accepted || !byKey {
			t.Errorf("%s after the old pepper is gone: %s, %v", name, reason, err)
		}
	}
	w.restart()
	if reason := w.inMemory("bob", "devkey:devkey-secret"); reason != Accepted {
		t.Errorf("after a restart: %s", reason)
	}
}

func TestForceKeepsAKeyThatWasNotUsed(t *testing.T) {
	w := newNamedWorld(t)
	w.use("bob", "other:other-secret")
	w.must(w.RotatePepper(t.Context(), "test"))
	done, err := w.RetirePeppers(t.Context(), "test", true)
	if err != nil || done.Keys != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	w.later(0)
	if _, byKey, reason, err := w.present("bob", "devkey:devkey-secret"); reason != Accepted || !byKey {
		t.Errorf("%s, %v", reason, err)
	}
}

func TestASecretOfAnUnusedKeyIsAlsoProvenForAnAgent(t *testing.T) {
	w := newNamedWorld(t, func(k *ImportedKey) { k.Impersonation, k.Agents = true, []string{"ALICE"} })
	alice, err := w.User(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	p := &principal.Principal{User: &principal.User{ID: alice.ID, Name: "alice", Fold: "alice"}, Scopes: principal.AllScopes}
	for _, when := range []string{"first", "again"} {
		c, reason, err := w.mirror.Impersonate(t.Context(), p, basic("bob", "devkey:devkey-secret"), home, at(Circumstances{}))
		if reason != Accepted || err != nil || c.User.Name != "Bob" || c.Scopes != principal.Read {
			t.Errorf("%s: %+v, %s, %v", when, c, reason, err)
		}
	}
	if e := w.events("key.replace_hash"); len(e) != 1 || e[0].Actor != "user:alice" || e[0].OnBehalfOf != "user:Bob" {
		t.Errorf("the audit trail has %+v", e)
	}
	// Its owner cannot use it, whether it was used before or not.
	for _, name := range []string{"devkey", "other"} {
		if _, _, reason, _ := w.present("bob", name+":"+name+"-secret"); reason != Impersonation {
			t.Errorf("%s by its owner: %s", name, reason)
		}
	}
	// A wrong one counts for the agent.
	reason := Accepted
	for range 10 {
		_, reason, _ = w.mirror.Impersonate(t.Context(), p, basic("bob", "devkey:wrong"), home, at(Circumstances{}))
	}
	if reason != WrongSecret && reason != Locked {
		t.Errorf("a wrong one: %s", reason)
	}
	if err := w.try(Attempt{"bob", "devkey:password", home}); err != nil {
		t.Errorf("the owner pays for it: %v", err)
	}
}

func TestMemoryForgetsTheNamesOfKeysThatAreGone(t *testing.T) {
	w := newNamedWorld(t)
	w.must(w.RevokeKey(t.Context(), "test", store.KeyRef{UserFold: "bob", Name: "devkey"}, ""))
	if !w.mirror.KeysByName() || !w.mirror.FirstUses() {
		t.Error("the other one is forgotten too")
	}
	w.use("bob", "other:other-secret")
	if !w.mirror.KeysByName() || w.mirror.FirstUses() {
		t.Error("after its first use a key is not unused any more")
	}
	w.must(nil, w.DeleteUser(t.Context(), "test", "bob"))
	if w.mirror.KeysByName() {
		t.Error("the keys of a user who is gone are still there")
	}
	if _, reason := w.mirror.Check(basic("bob", "other:other-secret"), at(Circumstances{})); reason != Malformed {
		t.Errorf("without keys by name: %s", reason)
	}
}

func TestAFirstUseNeedsTheDisk(t *testing.T) {
	w := newNamedWorld(t)
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	_, _, reason, err := w.mirror.CheckFirstUse(t.Context(), basic("bob", "devkey:devkey-secret"), home, true, at(Circumstances{}))
	if reason != NotFresh || err == nil {
		t.Errorf("%s, %v", reason, err)
	}
}

func TestWhatCannotBeAPasswordHasNoFirstUse(t *testing.T) {
	w := newNamedWorld(t)
	_, _, reason, err := w.mirror.CheckFirstUse(t.Context(), basic("bob", "devkey:"+strings.Repeat("x", 2000)), home, true, at(Circumstances{}))
	if _, wrong := errors.AsType[*InvalidError](err); reason != Malformed || !wrong {
		t.Errorf("%s, %v", reason, err)
	}
}

// A record that somebody has written into the database opens nothing.
func TestKeysByNameThatAreNotSoundAreTold(t *testing.T) {
	hash := bcryptOf(t, "x")
	some := credential.Verifier{1}
	for name, c := range map[string]struct {
		k    store.Key
		want string
	}{
		"unused":                      {store.Key{ByName: true, ImportedHash: hash}, ""},
		"used":                        {store.Key{ByName: true, Verifier: some}, ""},
		"one of ours":                 {store.Key{Verifier: some}, ""},
		"revoked":                     {store.Key{ByName: true, Revoked: time.Now()}, ""},
		"neither":                     {store.Key{ByName: true}, "neither a verifier nor an imported hash"},
		"both":                        {store.Key{ByName: true, ImportedHash: hash, Verifier: some}, "beside its secret"},
		"a hash of a key of ours":     {store.Key{ImportedHash: hash}, "beside its secret"},
		"a hash beside an old secret": {store.Key{ByName: true, ImportedHash: hash, PreviousExpires: time.Now()}, "beside its secret"},
		"a hash that is none":         {store.Key{ByName: true, ImportedHash: "$2b$12$"}, "not of the form"},
	} {
		err := secretSound(&c.k)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want '%s'", name, err, c.want)
		}
	}
}

func BenchmarkCheckByName(b *testing.B) {
	w := newNamedWorld(b)
	w.use("bob", "devkey:devkey-secret")
	p := basic("bob", "devkey:devkey-secret")
	b.ReportAllocs()
	for b.Loop() {
		if _, reason := w.mirror.Check(p, at(Circumstances{})); reason != Accepted {
			b.Fatal(reason)
		}
	}
}

// guessing presents bob's keys by name from home, to a gate that accepts keys alone.
func (w *world) guessing(rest string) Reason {
	p, here := basic("bob", rest), at(Circumstances{Address: home})
	_, reason := w.mirror.Check(p, here)
	if reason == UnknownKey || reason == WrongSecret || reason == Locked {
		_, _, reason, _ = w.mirror.CheckFirstUse(w.t.Context(), p, home, false, here)
	}
	return reason
}

// A secret of other software may be short: memory must not tell the right one from
// others past the brakes, whatever has put them on.
func TestASecretByNameCannotBeGuessedPastTheBrakes(t *testing.T) {
	for name, guess := range map[string]func(*world){
		"one by one": func(w *world) {
			for range 30 {
				_ = w.guessing("devkey:wrong")
			}
		},
		"while the name is locked": func(w *world) {
			for range 6 {
				_, _, _ = w.mirror.CheckPassword(t.Context(), Attempt{Username: "bob", Password: wrong, Address: home})
			}
			for range 30 {
				_ = w.guessing("devkey:wrong")
			}
		},
		"many at once": func(w *world) {
			var all sync.WaitGroup
			for i := range 200 {
				all.Go(func() { _ = w.guessing(fmt.Sprintf("devkey:wrong%d", i)) })
			}
			all.Wait()
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newNamedWorld(t)
			w.use("bob", "devkey:devkey-secret")
			if got := w.guessing("devkey:devkey-secret"); got != Accepted {
				t.Fatal(got)
			}
			guess(w)
			// The right one is refused from there as well, whatever its name.
			for _, rest := range []string{"devkey:devkey-secret", "other:other-secret", "none:wrong"} {
				if got := w.guessing(rest); got != Locked && got != Throttled {
					t.Errorf("%s: %s", rest, got)
				}
			}
			if _, got := w.mirror.Check(basic("bob", "devkey:devkey-secret"), at(Circumstances{Address: abroad})); got != Accepted {
				t.Errorf("from elsewhere: %s", got)
			}
			w.must(w.Unlock(t.Context(), "test", "bob"))
			if got := w.guessing("devkey:devkey-secret"); got != Accepted && got != Throttled {
				t.Errorf("unlocked: %s", got)
			}
		})
	}
}

func TestOneNetworkGuessesAtTheKeysOfFewOwners(t *testing.T) {
	w := newNamedWorld(t)
	here := at(Circumstances{Address: home})
	for i := range sourceFactor * DefaultFailures {
		w.mirror.Check(basic(fmt.Sprintf("nobody%d", i), "devkey:wrong"), here)
	}
	if _, got := w.mirror.Check(basic("bob", "devkey:wrong"), here); got != Locked {
		t.Errorf("one more owner: %s", got)
	}
}

func TestAnAgentCannotGuessASecretByNamePastTheBrakes(t *testing.T) {
	w := newNamedWorld(t, func(k *ImportedKey) { k.Impersonation, k.Agents = true, []string{"alice"} })
	agent := w.callerBy(w.issue("own"))
	here := at(Circumstances{Address: home})
	act := func(rest string) Reason {
		_, reason, _ := w.mirror.Impersonate(t.Context(), agent, basic("bob", rest), home, here)
		return reason
	}
	if got := act("devkey:devkey-secret"); got != Accepted {
		t.Fatal(got)
	}
	for range 30 {
		if got := act("devkey:wrong"); got == Accepted {
			t.Fatalf("a guess: %s", got)
		}
	}
	if got := act("devkey:devkey-secret"); got != Locked && got != Throttled {
		t.Errorf("the right one after that: %s", got)
	}
	// It is the agent who has guessed, and not the owner.
	if _, got := w.mirror.Check(basic("bob", "devkey:wrong"), here); got != WrongSecret {
		t.Errorf("the owner from there: %s", got)
	}
}
