package caddyauth

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/password"
)

func TestDoctorTellsOfImportsThatNobodyUses(t *testing.T) {
	e := examine(t, "")
	if found, err := checkImported(e); len(found) != 0 || err != nil {
		t.Fatalf("before an import: %v, %v", found, err)
	}
	raw, err := bcrypt.GenerateFromPassword([]byte("x"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := password.ImportedBcrypt(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	bob := identity.ImportedUser{Username: "bob", PasswordHash: hash, Keys: []identity.ImportedKey{{Name: "a", Hash: hash}, {Name: "b", Hash: hash}}}
	if _, err := e.target.registry.ImportUsers(t.Context(), "test", []identity.ImportedUser{bob}); err != nil {
		t.Fatal(err)
	}
	if found, err := checkImported(e); len(found) != 0 || err != nil {
		t.Errorf("after it: %v, %v", found, err)
	}
	e.now = e.now.Add(31 * 24 * time.Hour)
	found, err := checkImported(e)
	if err != nil || len(found) != 1 || found[0].Code != "imported_unused" || !strings.HasPrefix(found[0].What, "1 password and 2 keys were imported, the first of them ") {
		t.Errorf("a month later: %v, %v", found, err)
	}
}
