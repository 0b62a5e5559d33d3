package intelmqsetup

import (
	"io/fs"
	"os"

	"github.com/sallyport/sallyport/internal/intelmqctl"
)

// called is the configured command, taken apart.
func (c Checker) called() intelmqctl.Invocation { return intelmqctl.TakeApart(c.Command) }

// line is what sudo has to be told, for a person to paste.
func (c Checker) line(called intelmqctl.Invocation) string {
	program := called.Program()
	if found, err := c.look(program); err == nil {
		program = found
	}
	return intelmqctl.SudoersLine(c.User, called.User, program)
}

// look finds a command that is there, where sudo and the server look for it.
func (c Checker) look(word string) (string, error) {
	stat := func(name string) (fs.FileInfo, error) { return os.Stat(c.System.path(name)) }
	name, err := intelmqctl.Find(word, intelmqctl.DefaultPath, stat)
	if err == nil {
		_, err = stat(name)
	}
	return name, err
}
