// Package flood attacks a server, for tests and measurements: with many requests
// (Flood), and with connections that send little or nothing (Hold).
//
//	f := flood.Flood{Dial: flood.From("127.0.0.2", address), Lines: 64, Deep: 16, PerSecond: 10_000, Request: badKey}
//	answers, err := f.Run(ctx, 100_000)
//
// It writes requests as bytes and reads no more of an answer than its status, so
// that it costs less than what it attacks.
package flood
