//go:build !unix

package cputime

import "time"

// Used returns 0: nothing here is measured on such a system.
func Used() time.Duration { return 0 }
