package howler

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Failure is an answer that is no success. The named ones below are shared and
// never changed, so they can be told apart by comparing pointers.
//
// It is no error on purpose: a nil *Failure in an error would not be nil.
type Failure struct {
	// Status is the HTTP status, 400 and up.
	Status int
	// Code is stable and ours: programs may decide on it. Howler has none, so it
	// does not go into the envelope.
	Code string
	// Text is howler's where howler has one; its programs compare it.
	Text string
	// Allow is the header of that name, of status 405 only.
	Allow string
}

// Codes of failures. Those that the gate has as well are the same there.
const (
	codeMissing      = "credential_missing"
	codeMalformed    = "invalid_request"
	codeInvalid      = "invalid_token"
	codeLogin        = "invalid_login"
	codeForbidden    = "insufficient_scope"
	codeDisabled     = "method_disabled"
	codeExists       = "already_exists"
	codeNotFound     = "not_found"
	codeMethod       = "method_not_allowed"
	codeTooLarge     = "too_large"
	codeTooMany      = "too_many_attempts"
	codeInsecure     = "insecure_transport"
	codeWeakPassword = "weak_password"
	codeQuota        = "quota_exceeded"
	codeVersion      = "version_differs"
	codeUnavailable  = "unavailable"
	// codeImpersonation is about X-Impersonating and the key in it.
	codeImpersonation = "impersonation_refused"
	codeInternal      = "internal"
	// codeUser: the credential is good, and its user may not come in.
	codeUser     = "user_not_allowed"
	codeProvider = "provider_unavailable"
)

// Failures of any request.
var (
	// NoDataBlock: the body had to be JSON and is not. The last quotation mark
	// is howler's.
	NoDataBlock = &Failure{Status: 400, Code: codeMalformed, Text: "No data block provided or data block not in JSON format.'"}
	// InvalidData: the body is JSON, but not of the form that is asked for.
	InvalidData = &Failure{Status: 400, Code: codeMalformed, Text: "Invalid data format"}
	// TooLarge: the body is longer than MaxBody. Howler has no limit.
	TooLarge = &Failure{Status: 413, Code: codeTooLarge, Text: "The body is longer than 64 KiB."}
	// PlainHTTP: a password was sent over a connection that others can read.
	// Howler takes it.
	PlainHTTP = &Failure{Status: 403, Code: codeInsecure, Text: "Credentials are not accepted over plain HTTP. Use https."}
	// TooManyAttempts goes with a Retry-After header. It must not be 503, which
	// howler's client repeats for ever.
	TooManyAttempts = &Failure{Status: 429, Code: codeTooMany, Text: "Too many attempts. Try again later."}
	// Unavailable: it cannot be found out now whether the caller may. Howler's
	// client tries again until it can.
	Unavailable = &Failure{Status: 503, Code: codeUnavailable, Text: "Credentials cannot be checked now."}
	// Internal: something else has gone wrong, and the log knows what. Howler
	// shows the stack trace here.
	Internal = &Failure{Status: 500, Code: codeInternal, Text: "Internal error. Contact your administrator."}
)

// Failures of the Authorization header and of what it holds. The first five are
// in the order in which they are looked for.
var (
	// NoAuthorization: the header is missing or empty.
	NoAuthorization = &Failure{Status: 401, Code: codeMissing, Text: "No Authorization header present"}
	// MalformedAuthorization: it is not two words with one blank between them.
	MalformedAuthorization = &Failure{Status: 400, Code: codeMalformed, Text: "Incorrectly formatted Authorization header"}
	// WrongScheme: it is neither Basic nor Bearer, or one that is switched off.
	WrongScheme = &Failure{Status: 400, Code: codeMalformed, Text: "Not a valid authentication type for this endpoint."}
	// NoUser: what was presented belongs to nobody, such as the cookie of a
	// session that has ended.
	NoUser = &Failure{Status: 401, Code: codeInvalid, Text: "No authenticated user found"}
	// NoAccess: the credential has none of the privileges that the path asks
	// for.
	NoAccess = &Failure{Status: 403, Code: codeForbidden, Text: "You do not have access to this API."}
	// NotBase64: howler gives the text to what is no UTF-8 and crashes on what is
	// no base64.
	NotBase64 = &Failure{Status: 400, Code: codeMalformed, Text: "Basic authentication data must be base64 encoded"}
	// InvalidLogin: Basic or a log-in did not prove anything, for whatever
	// reason. It is the answer to an unknown key name as well unless the right
	// secret came with it.
	InvalidLogin = &Failure{Status: 401, Code: codeLogin, Text: "Invalid login information"}
	// InvalidToken: Bearer did not prove anything. Howler crashes on a value
	// without a colon.
	InvalidToken = &Failure{Status: 401, Code: codeInvalid, Text: "Invalid token"}
	// UndecodableToken: Bearer has the dots of a JWT. Howler crashes unless it
	// is one.
	UndecodableToken = &Failure{Status: 401, Code: codeInvalid, Text: "Something went wrong when decoding your key. Please reauthenticate."}
)

// Failures of a log-in, and of keys wherever they are presented.
var (
	// QueryCredentials: howler takes them from there, and so does every log on
	// the way.
	QueryCredentials = &Failure{Status: 400, Code: codeMalformed, Text: "Credentials are not accepted in the query string."}
	// NotEnough: no user, or neither a password nor a key.
	NotEnough = &Failure{Status: 401, Code: codeMissing, Text: "Not enough information to proceed with authentication"}
	// BothCredentials: a password and a key.
	BothCredentials = &Failure{Status: 400, Code: codeMalformed, Text: "Cannot specify password and API key."}
	// UnknownKey: a key was presented under a name that is not its own. It is
	// only for a caller who has presented a right secret; howler tells anybody
	// which names there are.
	UnknownKey = &Failure{Status: 401, Code: codeLogin, Text: "API Key does not exist"}
	// ExpiredKey is only for a caller who has presented the right secret.
	ExpiredKey = &Failure{Status: 401, Code: codeLogin, Text: "Key is expired"}
	// OAuthDisabled: a provider was named, and there is none.
	OAuthDisabled = &Failure{Status: 400, Code: codeDisabled, Text: "OAuth is disabled."}
	// UnknownProvider: there are others. Howler answers 500.
	UnknownProvider = &Failure{Status: 400, Code: codeMalformed, Text: "Unknown OAuth provider."}
	// ProviderRefused: the provider did not let the user in, or the log-in was not
	// begun in this browser a short while ago.
	ProviderRefused = &Failure{Status: 401, Code: codeLogin, Text: "The log-in at the provider was not completed. Please try again."}
	// ProviderDown: the provider cannot be reached. Howler answers 500.
	ProviderDown = &Failure{Status: 503, Code: codeProvider, Text: "Failed to connect to OAuth Provider"}
	// NotAllowed: the provider's user is not in the groups that are needed, or his
	// account is disabled.
	NotAllowed = &Failure{Status: 403, Code: codeUser, Text: "This user is not allowed access to the system"}
	// NoAutoCreation: the provider's user has no account here.
	NoAutoCreation = &Failure{Status: 403, Code: codeUser, Text: "User auto-creation is disabled"}
)

// Failures of making and deleting keys, in the order in which they are looked
// for. KeyExists comes before UnknownPrivilege, ExpiryTooLate after
// ExpiryFormat.
var (
	// BadKeyName: howler takes any name; one with a colon makes a key that
	// cannot be used, and one with a slash a key that cannot be deleted.
	BadKeyName = &Failure{Status: 400, Code: codeMalformed, Text: "Invalid API key name. Use 1 to 64 letters, digits and . _ - with a letter or digit first."}
	// LongImpersonationName: with its prefix the name would be too long.
	LongImpersonationName = &Failure{Status: 400, Code: codeMalformed, Text: "Invalid API key name. That of an impersonation key can have 52 characters, since impersonate_ is put in front."}
	// UnknownPrivilege: a letter is none of R, W, E and I.
	UnknownPrivilege = &Failure{Status: 400, Code: codeMalformed, Text: "APIKey contains permissions that do not exist. Please provide a subset of [R, W, E, I]."}
	// ExtendedDisabled: E is switched off for keys.
	ExtendedDisabled = &Failure{Status: 400, Code: codeMalformed, Text: "Extended permissions are disabled."}
	// ExtendedImpersonation: E together with I.
	ExtendedImpersonation = &Failure{Status: 400, Code: codeMalformed, Text: "Extended permission is not allowed on impersonation keys."}
	// TooManyAgents: howler has no limit.
	TooManyAgents = &Failure{Status: 400, Code: codeMalformed, Text: "A key can have 64 agents. Name a group in their place: group:<name>."}
	// ExpiryNeeded: there is a longest life, and no date was given.
	ExpiryNeeded = &Failure{Status: 400, Code: codeMalformed, Text: "API keys must have an expiry date."}
	// ExpiryFormat: the date is no ISO 8601.
	ExpiryFormat = &Failure{Status: 400, Code: codeMalformed, Text: "Invalid expiry date format. Please use ISO format."}
	// ExpiryPast: the key would have expired already. Howler makes it.
	ExpiryPast = &Failure{Status: 400, Code: codeMalformed, Text: "Expiry date must be in the future."}
	// NoSuchKey: none of the caller's keys has the name that is to be deleted or
	// changed.
	NoSuchKey = &Failure{Status: 404, Code: codeNotFound, Text: "Api key does not exist"}
)

// Failures of users and sessions.
var (
	// OtherUserChange is OtherUser for who wants to change the record.
	OtherUserChange = &Failure{Status: 403, Code: codeForbidden, Text: "You are not allowed to change another user than yourself."}
	// UserExists: the name is taken, in whatever case.
	UserExists = &Failure{Status: 400, Code: codeExists, Text: "The username you are trying to add already exists."}
	// BracesInName: the name of a new user has { or }.
	BracesInName = &Failure{Status: 400, Code: codeMalformed, Text: "You can't use '{}' in the username"}
	// ReservedName: a path of ours would hide the user.
	ReservedName = &Failure{Status: 400, Code: codeMalformed, Text: "There is an endpoint of this name. Choose another username."}
	// OtherName: the body has another name than the path.
	OtherName = &Failure{Status: 400, Code: codeMalformed, Text: "The username differs from that of the path."}
	// EmptyName, FixedEmail and FixedUsername: nobody can change these so.
	EmptyName     = &Failure{Status: 400, Code: codeMalformed, Text: "Full name of the user cannot be empty"}
	FixedEmail    = &Failure{Status: 400, Code: codeMalformed, Text: "Cannot update user's email"}
	FixedUsername = &Failure{Status: 400, Code: codeMalformed, Text: "Cannot update user's username"}
	// HashedPassword: howler takes the hash of a password there, from whoever may
	// write the record.
	HashedPassword = &Failure{Status: 400, Code: codeMalformed, Text: "Set the password by new_pass."}
	// AdminDiffers: roles and is_admin are two ways to say the same.
	AdminDiffers = &Failure{Status: 400, Code: codeMalformed, Text: "is_admin does not agree with the roles. Change the roles."}
	// TypeDiffers: type is another name for roles.
	TypeDiffers = &Failure{Status: 400, Code: codeMalformed, Text: "type and roles differ. Give one of them."}
	// OldPasswordNeeded: howler asks for none, so that whoever finds an open session
	// owns the account.
	OldPasswordNeeded = &Failure{Status: 403, Code: codeLogin, Text: "Changing your password needs the old one: send old_pass, or log in by password."}
	// OtherVersion: the record is not the one that If-Match names. Howler does not
	// look.
	OtherVersion = &Failure{Status: 412, Code: codeVersion, Text: "The user has changed since. Get the record again, and send its ETag in If-Match."}
	// OtherUser: one who is no administrator asked for the record of somebody
	// else. Whether there is such a user is not told.
	OtherUser = &Failure{Status: 403, Code: codeForbidden, Text: "You are not allow to view other users then yourself."}
	// WrongPassword: the old password is not the caller's. It is no 401, since
	// the credential of the request is good.
	WrongPassword = &Failure{Status: 403, Code: codeLogin, Text: "The old password is wrong."}
	// NoSuchSession: none of the caller's sessions has the id that is to be
	// ended.
	NoSuchSession = &Failure{Status: 404, Code: codeNotFound, Text: "Session does not exist"}
)

// BadRequest refuses with a text of ours what is told from elsewhere: a name
// that the store does not take, a header that is too long. The text goes to the
// client as it is.
func BadRequest(text string) *Failure {
	return &Failure{Status: 400, Code: codeMalformed, Text: text}
}

// UnknownPath says that there is nothing at a path, which is that of the
// request as the client sent it, without the query.
func UnknownPath(path string) *Failure {
	return &Failure{Status: 404, Code: codeNotFound, Text: "Api does not exist (" + clip(path) + ")"}
}

// MethodNotAllowed says which methods a path has, as in `GET, POST`.
func MethodNotAllowed(allow string) *Failure {
	return &Failure{Status: 405, Code: codeMethod, Text: "Method not allowed. Use " + allow + ".", Allow: allow}
}

// LockedOut says how many failures were too many, and for how long the account
// is closed to passwords from the same address. Parts of a second count as a
// whole one.
func LockedOut(failures int, wait time.Duration) *Failure {
	seconds := strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10)
	return &Failure{Status: 401, Code: codeTooMany, Text: "Maximum password retry of " + strconv.Itoa(failures) +
		" was reached. This account is locked for the next " + seconds + " seconds..."}
}

// WrongUserType says of which types the user of a path must be.
func WrongUserType(path string, types []string) *Failure {
	return &Failure{Status: 403, Code: codeForbidden, Text: clip(path) + " requires one of the following user types: " + strings.Join(types, ", ")}
}

// KeyExists says that the caller has a key of that name.
func KeyExists(name string) *Failure {
	return &Failure{Status: 400, Code: codeExists, Text: "APIKey '" + clip(name) + "' already exists"}
}

// QuotaSpent says how many requests of a user are answered at once. It goes with a
// Retry-After header.
func QuotaSpent(quota int64) *Failure {
	return &Failure{Status: 429, Code: codeQuota, Text: "You've exceeded your maximum quota of " + strconv.FormatInt(quota, 10)}
}

// UnknownField says which field of a user there is not. Howler stores it.
func UnknownField(name string) *Failure {
	return &Failure{Status: 400, Code: codeMalformed, Text: "Unknown field [" + clip(name) + "]."}
}

// AdminField says which field only administrators may change.
func AdminField(name string) *Failure {
	return &Failure{Status: 403, Code: codeForbidden, Text: "Only Administrators can change the value of the field [" + name + "]."}
}

// ExpiryTooLate says how long a new key may live, to the second.
func ExpiryTooLate(latest time.Time) *Failure {
	return &Failure{Status: 400, Code: codeMalformed, Text: "Expiry date must be before " + latest.UTC().Format(time.RFC3339) + "."}
}

// NoSuchUser is for administrators only.
func NoSuchUser(name string) *Failure {
	return &Failure{Status: 404, Code: codeNotFound, Text: "User " + clip(name) + " does not exist"}
}

// clip bounds what is repeated of a request to 2 KiB, the length of any real
// path.
func clip(text string) string {
	const most = 2 << 10
	if len(text) <= most {
		return text
	}
	end := most
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}
