package howler

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/internal/credential"
)

// User is what a request says of a user who is to be added or changed. Whatever is
// nil or zero was not said; null says nothing.
type User struct {
	// Usernames are what the body gives as the name to log in with.
	Usernames   []string
	Name, Email *string
	// NewPassword is to be set. OldPassword proves that one may change one's own.
	NewPassword, OldPassword credential.Secret
	Roles, Groups            *[]string
	// RolesField is the field in which Roles came: roles or type.
	RolesField string
	Active     *bool
	// Admin is a conclusion from the roles.
	Admin *bool
	// Quota is how many requests of the user are answered at once; 0 leaves it to
	// the server.
	Quota *int64
}

// userFields are those that are read, ignoredFields those that pages send along, and
// of which there is nothing here.
var (
	userFields = []string{
		"name", "email", "new_pass", "old_pass", "type", "roles", "groups", "is_active", "is_admin", "api_quota",
		"uname", "username", "password",
	}
	ignoredFields = []string{
		"classification", "avatar", "favourite_views", "favourite_analytics", "dashboard", "refresh_rate", "id", "apikeys",
		"has_password", "new_pass_confirm",
	}
	allUserFields = slices.Concat(userFields, ignoredFields)
)

// ParseUser reads a JSON object with fields of a user. Fields that there are not are
// refused: howler stores them, and a name that is spelt wrongly changes nothing.
func ParseUser(body []byte, query url.Values) (User, *Failure) {
	if hasCredentials(query) {
		return User{}, QueryCredentials
	}
	object, failure := readObject(body, allUserFields)
	if failure != nil {
		return User{}, failure
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if !slices.Contains(allUserFields, name) {
			return User{}, UnknownField(name)
		}
	}
	maps.DeleteFunc(object, func(_ string, value json.RawMessage) bool { return isNull(value) })
	if _, there := object["password"]; there {
		return User{}, HashedPassword
	}
	r := userReader{object: object}
	u := r.user()
	switch {
	case r.failed:
		return User{}, InvalidData
	case r.differs:
		return User{}, TypeDiffers
	case u.Admin != nil && u.Roles != nil && *u.Admin != IsAdmin(*u.Roles):
		return User{}, AdminDiffers
	}
	return u, nil
}

// IsAdmin reports whether one of the roles is that of administrators.
func IsAdmin(roles []string) bool {
	return slices.ContainsFunc(roles, func(role string) bool { return slices.Contains(administrators, role) })
}

// CheckNewUsername refuses names that howler refuses, and those that a path of ours
// would hide. The name is folded, so that one in other letters is the same. Others may
// be refused for another reason.
func CheckNewUsername(username string) *Failure {
	switch {
	case strings.ContainsAny(username, "{}"):
		return BracesInName
	case isReserved(username):
		return ReservedName
	}
	return nil
}

// Roles and groups of a new user of whom they are not said.
var (
	DefaultRoles  = []string{"user", "actionrunner_basic"}
	DefaultGroups = []string{"USERS"}
)

// userReader reads the fields of an object. After the first that is not of its kind,
// nothing counts.
type userReader struct {
	object map[string]json.RawMessage
	failed bool
	// differs: roles came twice, and not the same.
	differs bool
}

func (r *userReader) user() (u User) {
	u.Name, u.Email = r.text("name"), r.text("email")
	for _, field := range []string{"uname", "username"} {
		if name := r.text(field); name != nil {
			u.Usernames = append(u.Usernames, *name)
		}
	}
	u.NewPassword, u.OldPassword = r.secret("new_pass"), r.secret("old_pass")
	u.Roles, u.RolesField = r.roles()
	u.Groups = r.list("groups")
	u.Active, u.Admin = r.flag("is_active"), r.flag("is_admin")
	u.Quota = r.number("api_quota")
	return u
}

// roles reads roles, and type, which is what howler calls them when a user is made.
func (r *userReader) roles() (list *[]string, field string) {
	roles, types := r.list("roles"), r.list("type")
	switch {
	case roles == nil && types != nil:
		return types, "type"
	case roles != nil && types != nil:
		r.differs = !slices.Equal(*roles, *types)
	}
	return roles, "roles"
}

func (r *userReader) text(field string) *string {
	value, there := r.object[field]
	if !there {
		return nil
	}
	text, ok := readText(value)
	r.failed = r.failed || !ok
	return &text
}

// secret reads a text that must not be seen. An empty one is none: forms send it
// along.
func (r *userReader) secret(field string) credential.Secret {
	text := r.text(field)
	if text == nil || *text == "" {
		return credential.Secret{}
	}
	return credential.NewSecret(*text)
}

func (r *userReader) list(field string) *[]string {
	value, there := r.object[field]
	if !there {
		return nil
	}
	list, ok := readTextList(value)
	r.failed = r.failed || !ok
	return &list
}

func (r *userReader) flag(field string) *bool {
	value, there := r.object[field]
	if !there {
		return nil
	}
	flag := string(value) == "true"
	r.failed = r.failed || !flag && string(value) != "false"
	return &flag
}

// number reads a whole number that is not negative.
func (r *userReader) number(field string) *int64 {
	value, there := r.object[field]
	if !there {
		return nil
	}
	number, err := strconv.ParseInt(string(value), 10, 64)
	r.failed = r.failed || err != nil || number < 0
	return &number
}
