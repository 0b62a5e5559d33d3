//go:build !linux

package intelmqctl

// closeOnExec does nothing where there is no close_range: files that this process
// has inherited itself are passed on.
func closeOnExec() {}
