// Package cce does what the CCE endpoint does, without HTTP and Caddy: it carries
// requests out in a session of cced, keeps transactions until COMMIT, issues
// tokens, slows down guessing, and knows the account behind them.
//
//	runner := &cce.Runner{Pool: pool, Queues: cce.NewQueues(time.Now)}
//	answer, err := runner.Run(ctx, &cce.Caller{Session: session}, request)
//
// What is asked and answered is package cceapi's, how it is said to cced package
// cscp's. Who may ask is for the handler to find out before.
package cce
