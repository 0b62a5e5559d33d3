// Package reaper takes dead processes away that nobody else waits for.
//
// A process whose parent has ended becomes a child of PID 1, or of the next
// sub-reaper above it (prctl(2), PR_SET_CHILD_SUBREAPER). If that is this process,
// as in a container without an init, somebody here must wait for it, or it stays a
// zombie: IntelMQ then says of a dead bot that its status is unknown, and refuses
// to run it.
//
//	stop, err := reaper.Start()
//	defer stop()
//
// It waits for single processes only, never for any: the exit status of what
// os/exec has started belongs to os/exec. What that has started has our session, or
// is the first of a session of its own, and stays so. A dead child of which neither
// is true was therefore started by somebody else, and goes at once. With the others
// Patience shows whether somebody waits.
package reaper
