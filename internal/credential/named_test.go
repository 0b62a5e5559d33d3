package credential

import (
	"bytes"
	"testing"
)

func TestANameEndsAtTheFirstColon(t *testing.T) {
	word, err := NewKey(bytes.NewReader(make([]byte, 1000)), DefaultPrefix, KeyID([]byte("aaaaaaaaaaaa")))
	if err != nil {
		t.Fatal(err)
	}
	ours := word.Reveal()
	for _, c := range []struct {
		p            Presented
		name, secret string
		ok           bool
	}{
		{Presented{Kind: Basic, Secret: "devkey:secret"}, "devkey", "secret", true},
		{Presented{Kind: Basic, Secret: "devkey:se:cret:"}, "devkey", "se:cret:", true},
		{Presented{Kind: Basic, Secret: "devkey::"}, "devkey", ":", true},
		{Presented{Kind: Basic, Secret: "devkey:"}, "", "", false},
		{Presented{Kind: Basic, Secret: ":secret"}, "", "", false},
		{Presented{Kind: Basic, Secret: "password"}, "", "", false},
		{Presented{Kind: Basic, Secret: "devkey:" + ours}, "", "", false},
		{Presented{Kind: Basic, Secret: "devkey:a:" + ours}, "", "", false},
		{Presented{Kind: Basic}, "", "", false},
		{Presented{Kind: Bearer, Secret: "devkey:secret"}, "", "", false},
	} {
		if name, secret, ok := c.p.Named(); name != c.name || secret != c.secret || ok != c.ok {
			t.Errorf("%+v: '%s', '%s', %t", c.p, name, secret, ok)
		}
	}
}

func TestTheVerifierOfANamedSecretCoversTheKey(t *testing.T) {
	pepper, err := NewPepper(bytes.NewReader(make([]byte, PepperSize)))
	if err != nil {
		t.Fatal(err)
	}
	one, other := KeyID([]byte("aaaaaaaaaaaa")), KeyID([]byte("aaaaaaaaaaab"))
	seen := map[Verifier]string{{}: "nothing"}
	for name, v := range map[string]Verifier{
		"the key":        pepper.VerifierOfNamed(one, "secret"),
		"another key":    pepper.VerifierOfNamed(other, "secret"),
		"another secret": pepper.VerifierOfNamed(one, "secret "),
		"a word of ours": pepper.Verifier("secret"),
	} {
		if before, there := seen[v]; there {
			t.Errorf("%s has the verifier of %s", name, before)
		}
		seen[v] = name
	}
	if again := pepper.VerifierOfNamed(one, "secret"); seen[again] != "the key" {
		t.Error("it is another one each time")
	}
}
