package howler

import (
	"net/url"

	"github.com/sallyport/sallyport/internal/credential"
)

// PasswordChange is a request to change one's own password. Neither is empty.
type PasswordChange struct {
	Old, New credential.Secret
}

var passwordFields = []string{"old_password", "new_password"}

// ParsePasswordChange reads a change from a JSON or form body with the fields
// old_password and new_password, both needed, under the rules of ParseLogin.
// Howler asks for no old password, so that whoever finds an open session owns
// the account.
func ParsePasswordChange(contentType string, body []byte, query url.Values) (PasswordChange, *Failure) {
	if hasCredentials(query) {
		return PasswordChange{}, QueryCredentials
	}
	fields, failure := readFields(contentType, body, passwordFields)
	if failure != nil {
		return PasswordChange{}, failure
	}
	if fields["old_password"] == "" || fields["new_password"] == "" {
		return PasswordChange{}, InvalidData
	}
	return PasswordChange{
		Old: credential.NewSecret(fields["old_password"]),
		New: credential.NewSecret(fields["new_password"]),
	}, nil
}
