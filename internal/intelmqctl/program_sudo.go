package intelmqctl

import (
	"path/filepath"
	"strings"
)

// Sudoers is the line for a file in /etc/sudoers.d that lets this process run the
// command, or empty if Words do not begin with sudo.
func (p *Program) Sudoers() string {
	user, words := p.behindSudo()
	if len(words) == 0 {
		return ""
	}
	path := words[0]
	if found, err := find(path, []string{"PATH=" + defaultPath}); err == nil {
		path = found
	}
	return sudoersName(userName()) + " ALL=(" + sudoersName(user) + ") NOPASSWD: " + sudoersEscape.Replace(path)
}

// User is whom the command acts as.
func (p *Program) User() string {
	if user, words := p.behindSudo(); len(words) > 0 {
		return user
	}
	return userName()
}

// sudoersEscape quotes what has a meaning in the list of commands of a line, see
// sudoers(5).
var sudoersEscape = strings.NewReplacer(`\`, `\\`, " ", `\ `, ",", `\,`, ":", `\:`, "=", `\=`, "*", `\*`, "?", `\?`, "[", `\[`)

// sudoersName quotes the name of a user. A number keeps its #.
func sudoersName(name string) string { return sudoersEscape.Replace(name) }

// sudoTakes are the options of sudo(8) that are followed by a value.
const sudoTakes = "CDghpRrTtUu"

// behindSudo is whom sudo is told to act as, and the words of the command behind
// it; none if Words do not begin with sudo.
func (p *Program) behindSudo() (user string, words []string) {
	if len(p.Words) == 0 || filepath.Base(p.Words[0]) != "sudo" {
		return "", nil
	}
	user = "root"
	words = p.Words[1:]
	for len(words) > 0 {
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
				user = value
			}
			words = words[used:]
		}
	}
	return user, words
}

// sudoOption reads one word of options: the name of the last one in it, its
// value, and how many of the words after it belong to it.
func sudoOption(option string, after []string) (name byte, value string, used int) {
	if long, isLong := strings.CutPrefix(option, "--"); isLong {
		long, value, given := strings.Cut(long, "=")
		if long != "user" {
			return 0, "", 0
		}
		if !given && len(after) > 0 {
			return 'u', after[0], 1
		}
		return 'u', value, 0
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
