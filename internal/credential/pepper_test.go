package credential

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

const pepperText = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

func TestVerifierIsHMACUnderThePepper(t *testing.T) {
	p, err := ParsePepper([]byte(pepperText + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := hex.DecodeString(pepperText)
	want := hmac.New(sha256.New, raw)
	want.Write([]byte("sly_word"))
	got := p.Verifier("sly_word")
	if !hmac.Equal(got[:], want.Sum(nil)) {
		t.Errorf("got %x", got)
	}
	second := p.Verifier("sly_word")
	if !got.Equal(&second) {
		t.Error("the same word gives two verifiers")
	}
	if third := p.Verifier("sly_worD"); got.Equal(&third) {
		t.Error("two words give the same verifier")
	}
}

func TestVerifierUnderConcurrency(t *testing.T) {
	p, err := NewPepper(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for i := range 8 {
		word := strings.Repeat("x", i*40)
		want := p.Verifier(word)
		wait.Go(func() {
			for range 500 {
				if got := p.Verifier(word); got != want {
					t.Errorf("word %d: verifier differs", i)
					return
				}
			}
		})
	}
	wait.Wait()
}

func TestPepperFingerprint(t *testing.T) {
	p, err := ParsePepper([]byte(pepperText))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Fingerprint()) != 32 || strings.Contains(pepperText, p.Fingerprint()) {
		t.Errorf("fingerprint '%s'", p.Fingerprint())
	}
	other, err := NewPepper(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if other.Fingerprint() == p.Fingerprint() {
		t.Error("two peppers have one fingerprint")
	}
	back, err := ParsePepper([]byte(other.Text().Reveal()))
	if err != nil || back.Fingerprint() != other.Fingerprint() {
		t.Errorf("a pepper does not survive being written: %v", err)
	}
}

func TestParsePepperRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":           "",
		"a line end":        "\n",
		"half of it":        pepperText[:32],
		"a digit more":      pepperText + "0",
		"no digit":          pepperText[:63] + "g",
		"two line ends":     pepperText + "\n\n",
		"a blank before":    " " + pepperText[:63],
		"a carriage return": pepperText + "\r\n",
	} {
		if _, err := ParsePepper([]byte(text)); !errors.Is(err, ErrPepperForm) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	const text = "sly_topsecret"
	secret := NewSecret(text)
	p, err := ParsePepper([]byte(pepperText))
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", secret, "pepper", p, "list", []any{secret, p})
	marshalled, err := json.Marshal(map[string]any{"secret": secret, "struct": struct{ S Secret }{secret}})
	if err != nil {
		t.Fatal(err)
	}
	printed := []string{log.String(), string(marshalled), secret.String(), p.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		printed = append(printed,
			fmt.Sprintf(verb, secret), fmt.Sprintf(verb, &secret), fmt.Sprintf(verb, struct{ S Secret }{secret}),
			fmt.Sprintf(verb, p), fmt.Sprintf(verb, []any{secret, p}))
	}
	for _, s := range printed {
		for _, hidden := range []string{text, hex.EncodeToString([]byte(text)), pepperText} {
			if strings.Contains(strings.ToLower(s), hidden) {
				t.Errorf("a secret is printed: %s", s)
			}
		}
	}
	if secret.Reveal() != text {
		t.Error("Reveal does not give the text")
	}
}

// FuzzParsePepper: a pepper that is taken is its text, and shows nothing of it.
func FuzzParsePepper(f *testing.F) {
	f.Add([]byte(pepperText))
	f.Add([]byte(strings.ToUpper(pepperText) + "\n"))
	f.Add([]byte(pepperText + "\n\n"))
	f.Add([]byte(pepperText[:63] + "g"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParsePepper(text)
		raw, hexErr := hex.DecodeString(strings.TrimSuffix(string(text), "\n"))
		if good := hexErr == nil && len(raw) == PepperSize; good != (err == nil) {
			t.Fatalf("%q: %v", text, err)
		}
		if err != nil {
			return
		}
		if p.Text().Reveal() != hex.EncodeToString(raw) {
			t.Errorf("%q is written otherwise", text)
		}
		if shown := fmt.Sprintf("%v %+v %#v %s", p, p, p, p.Fingerprint()); strings.Contains(shown, p.Text().Reveal()) {
			t.Errorf("%q shows itself", text)
		}
		again, err := ParsePepper([]byte(p.Text().Reveal()))
		if err != nil || again.Fingerprint() != p.Fingerprint() || again.Verifier("word") != p.Verifier("word") {
			t.Errorf("%q read again is another pepper, %v", text, err)
		}
	})
}
