package password

import (
	"errors"
	"strings"
	"testing"
)

const (
	tooShort  = "Password needs to be at least 12 characters"
	tooCommon = "Password is too common"
	isName    = "Password must not be the user name"
)

// expect holds what a policy says of passwords of alice against one text; ""
// stands for allowed.
func expect(t *testing.T, policy Policy, want string, passwords ...string) {
	t.Helper()
	for _, p := range passwords {
		err := policy.Check(p, "alice")
		if text := refusal(t, err); text != want {
			t.Errorf("'%s': '%s', want '%s'", p, text, want)
		}
	}
}

func refusal(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var policyError *PolicyError
	if !errors.As(err, &policyError) {
		t.Fatalf("not about the password: %v", err)
	}
	return policyError.Error()
}

func TestGoodPasswordsAreAllowed(t *testing.T) {
	expect(
		t, Policy{}, "",
		"correct horse battery",
		"Tr0ub4dor&3xyz",
		"zwölf Boxkämpfer",
		"4849 2817 5530",
		"x7Kq2mx7Kq2m", // twice the same, but what is repeated is not common
		"alice in wonderland",
		"dragon, 91 of 1204",
		"私の猫は青い魚をよく食べる",
	)
}

func TestLengthCountsCharacters(t *testing.T) {
	expect(t, Policy{}, tooShort, "", "x", "kq8#vTz!e4W", "äöüäöüßxqzw")
	expect(t, Policy{}, "", "kq8#vTz!e4Wx", "äöüßäxqzwvkp")
	expect(t, Policy{MinLength: 15}, "Password needs to be at least 15 characters", "kq8#vTz!e4Wxab")
	expect(t, Policy{MinLength: 4}, "", "k8#v")
	expect(t, Policy{MinLength: -1}, tooShort, "k8#v")
}

func TestWhatIsGuessedFirstIsRefused(t *testing.T) {
	t.Run("by the list", func(t *testing.T) {
		expect(t, Policy{}, tooCommon, "administrator", "AdminIstrator", "1q2w3e4r5t6y", "ａｄｍｉｎｉｓｔｒａｔｏｒ")
	})
	t.Run("repeated", func(t *testing.T) {
		expect(t, Policy{}, tooCommon, "passwordpassword", "PasswordpasswordPass", "trustno1trustno1")
	})
	t.Run("with something around it", func(t *testing.T) {
		expect(t, Policy{}, tooCommon, "Baseball2026!", "!!!football!!!", "Password1234Password1234")
	})
	t.Run("by a rule", func(t *testing.T) {
		expect(
			t, Policy{}, tooCommon,
			"aaaaaaaaaaaa", "....................", "äääääääääääää", "abababababab", "1212121212121", "xyqxyqxyqxyq",
			"123456789012", "0987654321098", "abcdefghijkl", "zyxwvutsrqponm",
			"qwertyuiopasdf", "QWERTZUIOPASDF", "qwerty123456", "1qaz2wsx3edc4rfv", "!@#$%^&*()!@#", "111222333444", "abcd1234efgh",
		)
	})
}

func TestUserNameIsRefused(t *testing.T) {
	policy := Policy{MinLength: 5, AllowCommon: true}
	expect(t, policy, isName, "alice", "ALICE", "alicealice", "AliceAliceAlice", "alicealiceal", "ａｌｉｃｅ")
	expect(t, policy, "", "alice2", "malice", "alicia")
	if text := refusal(t, policy.Check("ju\u0308rgen", "JÜRGEN")); text != isName {
		t.Errorf("'%s', want '%s'", text, isName)
	}
	if err := policy.Check("anything", ""); err != nil {
		t.Errorf("without a name: %v", err)
	}
}

func TestPolicyIsConfigurable(t *testing.T) {
	expect(t, Policy{AllowCommon: true}, "", "administrator", "aaaaaaaaaaaa", "123456789012")
	own := list(t, "Sallyport Ltd.\nshibboleth\n")
	expect(t, Policy{Common: own}, tooCommon, "sallyport ltd.", "Shibboleth99")
	expect(t, Policy{Common: own}, "", "administrator")
}

func TestPolicyErrorsNeverHoldThePassword(t *testing.T) {
	for _, p := range []string{"sesame", "sesamesesamesesame", "alicealicealice", "administrator"} {
		if err := (Policy{}).Check(p, "alice"); err != nil && strings.Contains(err.Error(), p) {
			t.Errorf("the error repeats it: %v", err)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	for name, p := range map[string]string{
		"sentence":  "correct horse battery staple",
		"1024 runs": strings.Repeat("1234abcd", 128),
		"unfolding": strings.Repeat("\ufdfa", 341), // 18 characters each when folded
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_ = Policy{}.Check(p, "alice")
			}
		})
	}
}
