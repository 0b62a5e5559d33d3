package intelmqctl

import (
	"math"

	"golang.org/x/sys/unix"
)

// closeOnExec keeps files that this process has inherited itself from processes it
// starts. Go opens none that are passed on, but sockets that systemd has opened
// (LISTEN_FDS) are: a bot, which runs for days, would hold the port.
//
// Linux knows this since 5.11. Before that such files are passed on, as everywhere.
func closeOnExec() { _ = unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC) }
