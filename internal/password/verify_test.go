package password

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"strings"
	"testing"
)

const right = "correct horse battery"

// turnOf gives a turn for hashes of these parameters, until the test ends.
func turnOf(t *testing.T, params Params) *Turn {
	t.Helper()
	turn := reserve(t, NewHasher(Config{Params: params}))
	t.Cleanup(turn.Release)
	return turn
}

func hash(t *testing.T, turn *Turn, clean string) string {
	t.Helper()
	text, err := turn.Hash(clean)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestHashIsVerified(t *testing.T) {
	turn := turnOf(t, cheap)
	stored := hash(t, turn, right)
	if ok, outdated, err := turn.Verify(stored, right); !ok || outdated || err != nil {
		t.Errorf("right: %t, %t, %v; want true, false, nil", ok, outdated, err)
	}
	for _, wrong := range []string{"", "Correct horse battery", right + " ", right[:len(right)-1], strings.Repeat("x", 3072)} {
		if ok, outdated, err := turn.Verify(stored, wrong); ok || outdated || err != nil {
			t.Errorf("'%s': %t, %t, %v; want false, false, nil", wrong, ok, outdated, err)
		}
	}
}

func TestEachHashHasItsOwnSaltAndTheCurrentParams(t *testing.T) {
	turn := turnOf(t, cheap)
	one, other := hash(t, turn, right), hash(t, turn, right)
	if one == other {
		t.Error("two hashes of one password are the same")
	}
	r, err := parsePHC(one)
	if err != nil {
		t.Fatal(err)
	}
	if r.params != cheap || len(r.salt) != 16 || len(r.tag) != 32 {
		t.Errorf("%+v, salt of %d, tag of %d bytes", r.params, len(r.salt), len(r.tag))
	}
}

func TestDefaultHashIsOfTheRecommendedParams(t *testing.T) {
	turn := turnOf(t, Params{})
	if stored := hash(t, turn, right); !strings.HasPrefix(stored, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("it begins otherwise: %.32s", stored)
	}
}

func TestLongPasswordsAreNotCut(t *testing.T) {
	turn := turnOf(t, cheap)
	long := strings.Repeat("x", 1023)
	if ok, _, _ := turn.Verify(hash(t, turn, long+"a"), long+"b"); ok {
		t.Error("the last of 1024 bytes does not count")
	}
}

// Whatever is stored, a log-in takes the time of one hash.
func TestVerifyComputesExactlyOneHash(t *testing.T) {
	turn := turnOf(t, cheap)
	stored := map[string]string{
		"none":    "",
		"the own": hash(t, turn, right),
		"older":   hash(t, turnOf(t, Params{Memory: 16, Time: 2, Threads: 1}), right),
	}
	maps.Copy(stored, damaged)
	for name, c := range outOfBounds {
		stored[name] = c.text
	}
	for name, text := range stored {
		for _, clean := range []string{right, "wrong"} {
			before := turn.hasher.Stats().Hashes
			ok, _, err := turn.Verify(text, clean)
			if n := turn.hasher.Stats().Hashes - before; n != 1 {
				t.Errorf("%s: %d hashes for '%s', want 1", name, n, clean)
			}
			genuine := name == "the own" || name == "older"
			if ok != (genuine && clean == right) {
				t.Errorf("%s: '%s' gives %t", name, clean, ok)
			}
			if readable := genuine || name == "none"; (err == nil) != readable {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// The dummy must not be a password's hash by which somebody could get in, even
// if its salt and tag are known.
func TestDummyIsNeverRight(t *testing.T) {
	turn := turnOf(t, cheap)
	turn.hasher.dummy.tag = turn.hasher.dummy.tagOf(right)
	for _, text := range []string{"", "damaged"} {
		if ok, outdated, _ := turn.Verify(text, right); ok || outdated {
			t.Errorf("'%s': the dummy's password is accepted", text)
		}
	}
}

func TestDummyHasTheCurrentParams(t *testing.T) {
	params := Params{Memory: 24, Time: 3, Threads: 2}
	if dummy := NewHasher(Config{Params: params}).dummy; dummy.params != params || len(dummy.salt) != saltSize || len(dummy.tag) != tagSize {
		t.Errorf("the dummy is %+v", dummy)
	}
}

func TestHashBelowTheCurrentParamsIsOutdated(t *testing.T) {
	turn := turnOf(t, Params{Memory: 32, Time: 2, Threads: 2})
	made := func(params Params, salt, tag int) string {
		r := record{params, make([]byte, salt), make([]byte, tag)}
		r.tag = r.tagOf(right)
		return r.String()
	}
	for name, c := range map[string]struct {
		stored   string
		outdated bool
	}{
		"the same":     {made(Params{32, 2, 2}, 16, 32), false},
		"above":        {made(Params{64, 3, 3}, 32, 64), false},
		"less memory":  {made(Params{31, 2, 2}, 16, 32), true},
		"less time":    {made(Params{64, 1, 2}, 16, 32), true},
		"less threads": {made(Params{32, 2, 1}, 16, 32), true},
		"shorter salt": {made(Params{32, 2, 2}, 15, 32), true},
		"shorter tag":  {made(Params{32, 2, 2}, 16, 31), true},
	} {
		if ok, outdated, err := turn.Verify(c.stored, right); !ok || outdated != c.outdated || err != nil {
			t.Errorf("%s: %t, %t, %v; want true, %t, nil", name, ok, outdated, err, c.outdated)
		}
		if ok, outdated, err := turn.Verify(c.stored, "wrong"); ok || outdated || err != nil {
			t.Errorf("%s, wrong password: %t, %t, %v; want false, false, nil", name, ok, outdated, err)
		}
	}
}

func TestNoHashWithoutRandomSalt(t *testing.T) {
	h := NewHasher(Config{Params: cheap, Random: io.LimitReader(bytes.NewReader(make([]byte, 99)), 15)})
	turn := reserve(t, h)
	defer turn.Release()
	if text, err := turn.Hash(right); err == nil || text != "" || h.Stats().Hashes != 0 {
		t.Errorf("of 15 random bytes: '%s', %v", text, err)
	}
}

func TestNothingIsComputedOutOfTurn(t *testing.T) {
	h := NewHasher(Config{Params: cheap})
	turn := reserve(t, h)
	stored := hash(t, turn, right)
	turn.Release()
	if ok, _, err := turn.Verify(stored, right); ok || !errors.Is(err, errReleased) {
		t.Errorf("Verify: %t, %v", ok, err)
	}
	if text, err := turn.Hash(right); text != "" || !errors.Is(err, errReleased) {
		t.Errorf("Hash: '%s', %v", text, err)
	}
	if n := h.Stats().Hashes; n != 1 {
		t.Errorf("%d hashes, want the one of the turn", n)
	}
}
