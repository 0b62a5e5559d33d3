package cscp

// Session is a log-in of a user.
type Session struct {
	User string
	ID   Secret
}
