//go:build unix

package intelmqctl_test

import (
	"io"
	"os/exec"
	"testing"

	"github.com/sallyport/sallyport/internal/intelmqctl"
)

// BenchmarkExecute is a call of a command that does nothing. It is to be compared
// with BenchmarkBareSpawn.
func BenchmarkExecute(b *testing.B) {
	p := &intelmqctl.Program{Words: []string{"/bin/true"}}
	for b.Loop() {
		if _, err := p.Execute(b.Context(), nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBareSpawn is the floor: the least that starting a process takes.
func BenchmarkBareSpawn(b *testing.B) {
	for b.Loop() {
		command := exec.CommandContext(b.Context(), "/bin/true")
		command.Stdout, command.Stderr = io.Discard, io.Discard
		if err := command.Run(); err != nil {
			b.Fatal(err)
		}
	}
}
