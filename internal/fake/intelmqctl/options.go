package intelmqctl

import (
	"errors"
	"os"
	"path/filepath"
)

// options are the stand-in's own.
type options struct {
	// program is how it was called, which is how it calls its bots.
	program string
	// root is the folder of the botnet. It may be empty if answers are recorded.
	root folder
	// replay is the file of records, or empty.
	replay string
	// words are what the real command would get.
	words []string
}

var errNoFolder = errors.New("the folder of the botnet is not said; use -root or INTELMQ_ROOT_DIR")

// readOptions reads `-root FOLDER` and `-replay FILE`, which stand before all else.
// The folder may also come from INTELMQ_ROOT_DIR, as that of the real command, or be
// that in whose bin the program is; the file from FAKE_INTELMQCTL_REPLAY.
func readOptions(arguments []string, environment func(string) string) (options, error) {
	o := options{
		program: arguments[0],
		root:    folder(environment("INTELMQ_ROOT_DIR")),
		replay:  environment("FAKE_INTELMQCTL_REPLAY"),
		words:   arguments[1:],
	}
options:
	for len(o.words) >= 2 {
		switch o.words[0] {
		case "-root":
			o.root = folder(o.words[1])
		case "-replay":
			o.replay = o.words[1]
		default:
			break options
		}
		o.words = o.words[2:]
	}
	if o.root == "" {
		o.root = besides(o.program)
	}
	if o.root != "" {
		absolute, err := filepath.Abs(string(o.root))
		o.root = folder(absolute)
		return o, err
	}
	if o.replay == "" {
		return o, errNoFolder
	}
	return o, nil
}

// besides is the folder with the botnet in whose bin a program is, or empty.
func besides(program string) folder {
	absolute, err := filepath.Abs(program)
	if err != nil || filepath.Base(filepath.Dir(absolute)) != "bin" {
		return ""
	}
	root := folder(filepath.Dir(filepath.Dir(absolute)))
	if _, err := os.Stat(root.path(definition)); err != nil {
		return ""
	}
	return root
}

// bot is the bot that the process shall be, if it shall be one.
func (o options) bot() (id string, is bool) {
	if len(o.words) != 2 || o.words[0] != botWord {
		return "", false
	}
	return o.words[1], true
}
