package principal

import "testing"

func TestACredentialAddsRolesAndGroupsForItsTime(t *testing.T) {
	alice := &User{Name: "alice", Roles: []string{"user"}, Groups: []string{"ops", "staff"}, RoleList: "user", GroupList: "ops,staff"}
	more := alice.With([]string{"admin", "user"}, []string{"netops"})
	if more.Name != "alice" || more.RoleList != "admin,user" || more.GroupList != "netops,ops,staff" || len(more.Roles) != 2 || len(more.Groups) != 3 {
		t.Errorf("%+v", more)
	}
	if alice.RoleList != "user" || len(alice.Roles) != 1 || len(alice.Groups) != 2 {
		t.Errorf("the account itself is %+v", alice)
	}
	if alice.With(nil, nil) != alice {
		t.Error("nothing was added, and it is another user")
	}
}

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
