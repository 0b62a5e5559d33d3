package sallyport_test

import (
	"path/filepath"
	"testing"

	"github.com/sallyport/sallyport/internal/fake/oidcprovider"
)

const (
	providersDocument = "docs/providers.md"
	// documentIssuer is the provider of docs/providers.md, for which one on loopback
	// stands in.
	documentIssuer = "https://idp.example.org/realms/staff"
	// documentTokenID is the jti that the document revokes.
	documentTokenID = "0b8e2c1f-7d7e-4ab6-8f0c-6d5d5f2f8f3e"
)

// providerSecrets are the variables of the configurations of providers.
var providerSecrets = []string{"KEYCLOAK_SECRET", "AZURE_SECRET"}

// prepareProvider starts the provider of a document and puts tokens of jane's into the
// session: one for the document's audience, and one for another.
func (s *session) prepareProvider(t *testing.T, document string) {
	t.Helper()
	if document != providersDocument {
		return
	}
	for _, name := range providerSecrets {
		t.Setenv(name, "not a secret")
	}
	provider := oidcprovider.Start(t, oidcprovider.Config{})
	provider.AddUser(oidcprovider.User{
		Subject: "6f1c0a5e", Name: "jane", DisplayName: "Jane Doe", Email: "jane@example.org",
		Groups: []string{"staff", "oncall"}, Roles: []string{"ops-user", "offline_access"},
	})
	s.paths = append(s.paths, [2]string{documentIssuer, provider.Issuer()})
	for file, audience := range map[string]string{"token": "ops", "other": "account"} {
		token, err := provider.AccessToken("6f1c0a5e", map[string]any{"aud": audience, "jti": documentTokenID})
		if err != nil {
			t.Fatal(err)
		}
		s.write(t, filepath.Join("home/alice", file), token+"\n", 0o600)
	}
}
