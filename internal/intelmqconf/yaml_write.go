package intelmqconf

import (
	"errors"
	"strings"

	"go.yaml.in/yaml/v3"
)

// written is a configuration that is ready to be put in place.
type written struct {
	text []byte
	tree value
	// plain: comments of the old text are lost.
	plain bool
}

// write makes the text of a runtime.yaml that reads as want, out of a text that
// was read as root and have.
func write(old []byte, root *yaml.Node, have, want *value) (written, error) {
	arranged := arrange(want, have)
	ways := []func() string{
		func() string { return splice(string(old), root, have, &arranged, false) },
		func() string { return splice(string(old), root, have, &arranged, true) },
		func() string { return render(&arranged) },
	}
	var err error
	for i, way := range ways {
		text := []byte(way())
		if len(text) == 0 {
			continue
		}
		var tree value
		if _, tree, err = parseRuntime(text); err != nil {
			continue
		}
		if equal(&tree, want) {
			return written{text, tree, i == len(ways)-1 && strings.Contains(string(old), "#")}, nil
		}
	}
	// A document may be good in JSON and longer than what is read in YAML.
	if errors.Is(err, ErrTooBig) {
		return written{}, &BodyError{err}
	}
	return written{}, errors.Join(ErrNotSaved, err)
}

// render writes an object anew.
func render(v *value) string {
	var b strings.Builder
	renderMembers(&b, v.members, 0)
	return b.String()
}
