package cscp

// Command is one of the command types of this package. A command is a value and
// never text, so what a client has sent cannot become part of a line but as a
// checked name or a quoted value.
type Command interface {
	// Word is the command's word, such as GET or ADMIN SUSPEND.
	Word() string
	// Changes reports whether the command may change what cced holds, so that it
	// must not be sent twice.
	Changes() bool
	// check says what is wrong with the parameters.
	check() error
	// appendWords appends what follows the word. The parameters are checked.
	appendWords(line []byte) []byte
}

// Secret is text that must not be seen: a password or a session id. Printing it
// in any way gives REDACTED.
type Secret string

// Auth logs a user in by password. User and Password are any text; both empty
// drop all rights.
type Auth struct {
	User     string
	Password Secret
}

// AuthKey takes a session up again. User has 1 to MaxUser bytes, SessionID 1 to
// 63 letters and digits.
type AuthKey struct {
	User      string
	SessionID Secret
}

// EndKey ends the session of the connection. The connection keeps its rights.
type EndKey struct{}

// WhoAmI asks for the OID of the user of the connection.
type WhoAmI struct{}

// Get asks for an object's properties in a namespace; empty is the main one.
type Get struct {
	OID       OID
	Namespace string
}

// Pair is a property and its value.
type Pair struct{ Name, Value string }

// Set changes properties of an object in a namespace; empty is the main one. No
// properties at all are fine.
type Set struct {
	OID       OID
	Namespace string
	Values    []Pair
}

// Create makes an object.
type Create struct {
	Class  string
	Values []Pair
}

// Destroy removes an object.
type Destroy struct{ OID OID }

// Criterion is what objects must have to be found: a property with a value, or
// matching a regular expression (see CheckRegexp). Property may have its
// namespace before it, as in Email.aliases.
type Criterion struct {
	Property string
	Value    string
	Regexp   bool
}

// Sort is the order of found objects. Type is ascii, old_numeric, ip, hostname,
// locale(xx) or what the schema defines; Property may have its namespace before
// it.
type Sort struct{ Type, Property string }

// Find asks for the objects of a class that meet all criteria. Without a sort
// their order means nothing.
type Find struct {
	Class    string
	Criteria []Criterion
	Sort     *Sort
}

// Names asks for the namespaces of a class, or of an object if OID is not 0.
type Names struct {
	OID   OID
	Class string
}

// Classes asks for all classes.
type Classes struct{}

// Begin opens a transaction on the connection.
type Begin struct{}

// Commit carries the transaction out.
type Commit struct{}

// Suspend makes cced refuse changes. The reason may be empty; cced keeps 128
// bytes of it.
type Suspend struct{ Reason string }

// Resume ends a suspension.
type Resume struct{}

// Bye says good-bye, and gives an open transaction up.
type Bye struct{}

// Word is AUTH.
func (Auth) Word() string { return "AUTH" }

// Changes is true: each log-in makes a session.
func (Auth) Changes() bool { return true }

// Word is AUTHKEY.
func (AuthKey) Word() string { return "AUTHKEY" }

// Changes is false: a session can be taken up any number of times.
func (AuthKey) Changes() bool { return false }

// Word is ENDKEY.
func (EndKey) Word() string { return "ENDKEY" }

// Changes is true: it ends the session.
func (EndKey) Changes() bool { return true }

// Word is WHOAMI.
func (WhoAmI) Word() string { return "WHOAMI" }

// Changes is false.
func (WhoAmI) Changes() bool { return false }

// Word is GET.
func (Get) Word() string { return "GET" }

// Changes is false.
func (Get) Changes() bool { return false }

// Word is SET.
func (Set) Word() string { return "SET" }

// Changes is true.
func (Set) Changes() bool { return true }

// Word is CREATE.
func (Create) Word() string { return "CREATE" }

// Changes is true.
func (Create) Changes() bool { return true }

// Word is DESTROY.
func (Destroy) Word() string { return "DESTROY" }

// Changes is true.
func (Destroy) Changes() bool { return true }

// Word is FIND.
func (Find) Word() string { return "FIND" }

// Changes is false.
func (Find) Changes() bool { return false }

// Word is NAMES.
func (Names) Word() string { return "NAMES" }

// Changes is false.
func (Names) Changes() bool { return false }

// Word is CLASSES.
func (Classes) Word() string { return "CLASSES" }

// Changes is false.
func (Classes) Changes() bool { return false }

// Word is BEGIN.
func (Begin) Word() string { return "BEGIN" }

// Changes is true: it changes the state of the connection.
func (Begin) Changes() bool { return true }

// Word is COMMIT.
func (Commit) Word() string { return "COMMIT" }

// Changes is true.
func (Commit) Changes() bool { return true }

// Word is ADMIN SUSPEND.
func (Suspend) Word() string { return "ADMIN SUSPEND" }

// Changes is true.
func (Suspend) Changes() bool { return true }

// Word is ADMIN RESUME.
func (Resume) Word() string { return "ADMIN RESUME" }

// Changes is true.
func (Resume) Changes() bool { return true }

// Word is BYE.
func (Bye) Word() string { return "BYE" }

// Changes is false.
func (Bye) Changes() bool { return false }
