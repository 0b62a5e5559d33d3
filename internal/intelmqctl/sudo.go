package intelmqctl

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// SudoersFile has the rule for sudo. sudo does not read files with a dot in their
// name, and so no draft of it.
const SudoersFile = "/etc/sudoers.d/sallyport-intelmq"

// Invocation is a configured command, taken apart.
type Invocation struct {
	// Sudo is the first word if that is sudo, or empty.
	Sudo string
	// User is whom sudo is told to act as, root if it is not told. It is empty
	// without sudo.
	User string
	// Words are the control command and its first arguments. There are none where
	// sudo has only options.
	Words []string
}

// TakeApart finds the control command behind sudo and its options, see sudo(8).
func TakeApart(words []string) Invocation {
	if len(words) == 0 || filepath.Base(words[0]) != "sudo" {
		return Invocation{Words: words}
	}
	i := Invocation{Sudo: words[0], User: "root"}
	for words = words[1:]; len(words) > 0; {
		word := words[0]
		isOption, isVariable := strings.HasPrefix(word, "-"), strings.Contains(word, "=")
		if !isOption && !isVariable {
			break
		}
		words = words[1:]
		if word == "--" {
			break
		}
		if isOption {
			name, value, used := sudoOption(word, words)
			if name == 'u' {
				i.User = value
			}
			words = words[used:]
		}
	}
	i.Words = words
	return i
}

// Program is the control command, or empty.
func (i Invocation) Program() string {
	if len(i.Words) == 0 {
		return ""
	}
	return i.Words[0]
}

// sudoTakes are the options of sudo(8) that are followed by a value, and
// sudoTakesLong those of them with a long name.
const sudoTakes = "CDghpRrTtUu"

var sudoTakesLong = []string{
	"close-from", "chdir", "group", "host", "prompt", "chroot", "role", "command-timeout", "type", "other-user", "user",
}

// sudoOption reads one word of options: the name of the last one in it if that has
// a value, the value, and how many of the words after it belong to it. The name of
// a long one is its u if that is user, and 0 else.
func sudoOption(option string, after []string) (name byte, value string, used int) {
	if long, isLong := strings.CutPrefix(option, "--"); isLong {
		long, value, given := strings.Cut(long, "=")
		if !slices.Contains(sudoTakesLong, long) {
			return 0, "", 0
		}
		if long == "user" {
			name = 'u'
		}
		if !given && len(after) > 0 {
			return name, after[0], 1
		}
		return name, value, 0
	}
	for i := 1; i < len(option); i++ {
		if !strings.Contains(sudoTakes, option[i:i+1]) {
			continue
		}
		if i+1 < len(option) {
			return option[i], option[i+1:], 0
		}
		if len(after) > 0 {
			return option[i], after[0], 1
		}
	}
	return 0, "", 0
}

// SudoersLine is the line for SudoersFile by which user may run a program as another
// one, without a password. A user is a name, or # and a number.
func SudoersLine(user, as, program string) string {
	return fmt.Sprintf("%s ALL=(%s) NOPASSWD: %s", sudoersEscape.Replace(user), sudoersEscape.Replace(as), sudoersEscape.Replace(program))
}

// sudoersEscape quotes what has a meaning in a line, see sudoers(5). The # of a
// number stays.
var sudoersEscape = strings.NewReplacer(`\`, `\\`, " ", `\ `, ",", `\,`, ":", `\:`, "=", `\=`, "*", `\*`, "?", `\?`, "[", `\[`)

// Sudoers is the line that lets this process run the command, or empty if Words do
// not begin with sudo.
func (p *Program) Sudoers() string {
	called := TakeApart(p.Words)
	if called.Sudo == "" || called.Program() == "" {
		return ""
	}
	path := called.Program()
	if found, err := Find(path, DefaultPath, os.Stat); err == nil {
		path = found
	}
	return SudoersLine(userName(), called.User, path)
}

// User is whom the command acts as.
func (p *Program) User() string {
	if called := TakeApart(p.Words); called.Sudo != "" && called.Program() != "" {
		return called.User
	}
	return userName()
}
