// Command bench measures what the gate costs a whole server.
//
//	go run ./bench [-rounds 6] [-sample 1.5s] [-keys 1000]
//
// It starts Caddy in a process of its own on one core, loads it with wrk on the
// other one, and prints a table in Markdown. Only ratios within one run mean
// something: each sample of a case stands between two of the case it is compared
// with, samples in which other programs took more than a tenth of the machine
// are dropped, and what is printed is the median with the quartiles. A request
// of its own in each case, and wrk's count of refusals, make sure that every
// answer was the one the case expects.
//
// The cases are handlers before a `respond "ok"`: none at all; the floor, which
// is the least that a key check can be; and the gate.
package main
