package principal

import "testing"

func TestALogNamesWhoActsAndAsWhom(t *testing.T) {
	alice, bob := &User{Name: "alice"}, &User{Name: "bob"}
	himself := Principal{User: alice}
	if got := himself.Actor(); got != "user:alice" || himself.Impersonator() != "" {
		t.Errorf("'%s', by '%s'", got, himself.Impersonator())
	}
	acting := Principal{User: alice, Impersonation: &Impersonation{By: bob}}
	if got := acting.Actor(); got != "user:bob on behalf of user:alice" || acting.Impersonator() != "bob" {
		t.Errorf("'%s', by '%s'", got, acting.Impersonator())
	}
}
