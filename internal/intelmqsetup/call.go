package intelmqsetup

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// securePath is where sudo looks for a command without a path, as distributions
// configure it.
const securePath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// call is the configured command, taken apart.
type call struct {
	// sudo is its first word if that is sudo, or empty. as is the user that sudo is
	// asked for.
	sudo, as string
	// program is the control command.
	program string
}

// takeApart finds the control command behind sudo and its options. See sudo(8).
func takeApart(words []string) call {
	if len(words) == 0 {
		return call{}
	}
	if filepath.Base(words[0]) != "sudo" {
		return call{program: words[0]}
	}
	c := call{sudo: words[0], as: "root"}
	for rest := words[1:]; len(rest) > 0; rest = rest[1:] {
		word := rest[0]
		value, long := strings.CutPrefix(word, "--user=")
		switch {
		case long:
			c.as = value
		case word == "-u" || word == "--user":
			if len(rest) > 1 {
				c.as, rest = rest[1], rest[1:]
			}
		case strings.HasPrefix(word, "-u"):
			c.as = word[len("-u"):]
		case slices.Contains([]string{"-g", "-C", "-D", "-h", "-p", "-R", "-r", "-t", "-T"}, word) && len(rest) > 1:
			rest = rest[1:]
		case strings.HasPrefix(word, "-"), strings.Contains(word, "="):
		default:
			c.program = word
			return c
		}
	}
	return c
}

// line is what sudo has to be told, for a person to paste.
func (c Checker) line(called call) string {
	program := called.program
	if found, err := c.look(program, securePath); err == nil {
		program = found
	}
	return SudoersLine(c.User, called.as, program)
}

// look finds a command in the folders of a path.
func (c Checker) look(word, path string) (string, error) {
	if word == "" {
		return "", fs.ErrNotExist
	}
	if strings.Contains(word, "/") {
		_, err := os.Stat(c.System.path(word))
		return word, err
	}
	for _, dir := range filepath.SplitList(path) {
		name := filepath.Join(dir, word)
		if info, err := os.Stat(c.System.path(name)); err == nil && info.Mode().IsRegular() {
			return name, nil
		}
	}
	return "", fs.ErrNotExist
}
