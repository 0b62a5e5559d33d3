// Package cscp speaks CSCP, the line protocol of BlueOnyx's CCE daemon cced, on
// a stream socket.
//
//	conn, err := cscp.Open(ctx, dial, cscp.Options{})
//	session, err := conn.LogIn(ctx, "admin", password)
//	reply, err := conn.Do(ctx, cscp.Get{OID: 6, Namespace: "Email"})
//	for line := range reply.Lines() {
//		if name, value, ok := line.Data(); ok { … }
//	}
//
// Commands are values. Append writes one as a line, after its names and numbers
// have been checked; values are quoted. So no client's text becomes a line, and
// since cced repeats names as they were sent, no client's text forges the line
// of a reply either.
//
// A reply is any number of lines with codes 1xx (what was asked for) and 3xx
// (what was wrong) and ends with one of 2xx or 4xx. The lines are kept as they
// came, and read by the methods of Line.
//
// ParseLine reads a line as a client would have written it for cced and returns
// the same value as if its parts had been given one by one.
//
// A Conn is one connection with one log-in. A Pool holds those of many sessions:
//
//	pool := cscp.NewPool(cscp.PoolConfig{Dial: dial})
//	session, err := pool.LogIn(ctx, "admin", password)
//	reply, err := pool.Do(ctx, session, cscp.Get{OID: 6})
//
// Pool.Pipeline sends many reads at once, Pool.Lease keeps a connection for a
// transaction, and Pool.Forget closes what a session has when it ends.
//
// Why it is so careful: rights belong to a connection, and a failed log-in takes
// none away; so whatever is unclear ends the connection. A change whose reply is
// missing may have been made or not, which is an UnknownOutcomeError and never
// tried again.
//
// The package knows neither HTTP nor Caddy.
package cscp
