// Package intelmqctl runs IntelMQ's control command: what can be asked of it is a
// value, from which the arguments are built; no shell and no text of a client is
// between.
//
//	Command → Client (queue, shared reads, one change at a time) → Program (a process) → Answer
//
// A Program starts one process and brings it to an end. A Client decides when: equal
// reads share one process and live for a moment, changes wait for one another. What
// counts as success is judged by what the command has printed, since its exit code
// says whether bots run and not whether it worked.
//
// It knows neither HTTP nor Caddy, and not what IntelMQ's own files hold.
package intelmqctl
