package intelmqconf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// byteOrderMark may stand in front of a file that an editor of Windows has
// written.
const byteOrderMark = "\ufeff"

// parseRuntime reads a runtime.yaml. The node is the root of its mapping, or nil
// if it was JSON of a kind that YAML does not allow, such as that indented by tabs.
func parseRuntime(data []byte) (*yaml.Node, value, error) {
	if len(data) > maxSize {
		return nil, value{}, ErrTooBig
	}
	if !utf8.Valid(data) {
		return nil, value{}, ErrNotUTF8
	}
	data = bytes.TrimPrefix(data, []byte(byteOrderMark))
	root, err := parseYAML(data)
	if errors.Is(err, ErrSyntax) && bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		if v, err := parseJSON(data, refused); !errors.Is(err, ErrSyntax) {
			return nil, v, err
		}
	}
	if err != nil {
		return nil, value{}, err
	}
	var r yamlReader
	v, err := r.value(root, 1)
	if err != nil {
		return nil, value{}, err
	}
	switch v.kind {
	case object:
		return root, v, nil
	case null:
		return nil, value{}, ErrEmpty
	default:
		return nil, value{}, ErrNotObject
	}
}

// parseYAML reads the one document of a file.
func parseYAML(data []byte) (*yaml.Node, error) {
	data, err := withoutVersion(data)
	if err != nil {
		return nil, err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, ErrEmpty
	} else if err != nil {
		return nil, syntaxError(err)
	}
	if err := decoder.Decode(&yaml.Node{}); err == nil {
		return nil, ErrSeveralDocuments
	} else if !errors.Is(err, io.EOF) {
		return nil, syntaxError(err)
	}
	return document.Content[0], nil
}

// withoutVersion makes a remark of a directive that says what is assumed anyway
// but the library does not know. It refuses one of another YAML: `yes` would then
// be true.
func withoutVersion(data []byte) ([]byte, error) {
	const directive = "%YAML"
	start := 0
	for line := range bytes.Lines(data) {
		text := string(bytes.TrimSpace(line))
		if version, is := strings.CutPrefix(text, directive); is {
			if strings.TrimSpace(version) != "1.2" {
				return nil, ErrVersion
			}
			data = slices.Clone(data)
			data[start+bytes.IndexByte(line, '%')] = '#'
		} else if text != "" && text[0] != '#' && text[0] != '%' {
			break
		}
		start += len(line)
	}
	return data, nil
}

// syntaxError says what the library has found, but no words of the file, which
// may be a password that was not quoted.
func syntaxError(err error) error {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	if before, _, found := strings.Cut(message, "unknown anchor"); found {
		message = before + "an alias has no anchor before it; quote it if it is a word"
	}
	return fmt.Errorf("%w: %s", ErrSyntax, message)
}

// yamlReader makes values of nodes.
type yamlReader struct{ spent budget }

// at says in which line something is wrong.
func at(n *yaml.Node, err error) error { return fmt.Errorf("line %d: %w", n.Line, err) }

func (r *yamlReader) value(n *yaml.Node, depth int) (value, error) {
	// An alias that leads to what it stands in ends at maxDepth.
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if err := r.spent.spend(depth, len(n.Value)); err != nil {
		return value{}, at(n, err)
	}
	var v value
	var err error
	switch {
	case n.Kind == yaml.ScalarNode:
		v, err = scalar(n)
	case n.Kind == yaml.SequenceNode && n.ShortTag() == "!!seq":
		return r.list(n, depth)
	case n.Kind == yaml.MappingNode && n.ShortTag() == "!!map":
		return r.object(n, depth)
	case n.Kind == yaml.MappingNode && n.ShortTag() == "!!set":
		return r.set(n, depth)
	default:
		err = ErrTag
	}
	if err != nil {
		return value{}, at(n, err)
	}
	return v, nil
}

func (r *yamlReader) list(n *yaml.Node, depth int) (value, error) {
	v := value{kind: list}
	for _, item := range n.Content {
		i, err := r.value(item, depth+1)
		if err != nil {
			return v, err
		}
		v.items = append(v.items, i)
	}
	return v, nil
}

// set reads a mapping of keys alone as the list of them.
func (r *yamlReader) set(n *yaml.Node, depth int) (value, error) {
	v, err := r.object(n, depth)
	if err != nil {
		return v, err
	}
	keys := value{kind: list}
	for _, m := range v.members {
		keys.items = append(keys.items, value{kind: text, text: m.key})
	}
	return keys, nil
}

// object reads a mapping. What is merged into it comes first, and what it has
// itself counts.
func (r *yamlReader) object(n *yaml.Node, depth int) (value, error) {
	own, err := r.members(n, depth)
	if err != nil {
		return value{}, err
	}
	merged, err := r.merged(n, depth)
	if err != nil || len(merged) == 0 {
		return value{kind: object, members: own}, err
	}
	return value{kind: object, members: override(merged, own)}, nil
}

// override gives members other values, at their place, and adds those that are
// new.
func override(members, by []member) []member {
	place := make(map[string]int, len(members))
	for i, m := range members {
		place[m.key] = i
	}
	for _, m := range by {
		if i, both := place[m.key]; both {
			members[i] = m
		} else {
			place[m.key] = len(members)
			members = append(members, m)
		}
	}
	return members
}

// members reads what stands in a mapping itself.
func (r *yamlReader) members(n *yaml.Node, depth int) ([]member, error) {
	var members []member
	seen := make(map[string]bool, len(n.Content)/2)
	for i := 0; i < len(n.Content); i += 2 {
		if isMerge(n.Content[i]) {
			continue
		}
		k, also, err := r.key(n.Content[i], depth+1)
		if err != nil {
			return nil, err
		}
		if seen[k] || seen[also] {
			return nil, at(n.Content[i], fmt.Errorf("'%s': %w", k, ErrDuplicateKey))
		}
		seen[k], seen[also] = true, true
		v, err := r.value(n.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		members = append(members, member{k, v})
	}
	return members, nil
}

// key reads a key, as the string that Python makes of it for JSON. For Python
// true is also 1, and false is 0. It cannot make one of a date.
func (r *yamlReader) key(n *yaml.Node, depth int) (k, also string, err error) {
	of := n
	if n.Kind == yaml.AliasNode {
		of = n.Alias
	}
	if of.Kind == yaml.ScalarNode && of.Style == 0 {
		switch {
		case of.Value == "=":
			return "=", "=", nil
		case dateForm.MatchString(of.Value), timeForm.MatchString(of.Value):
			return "", "", at(n, ErrKey)
		}
	}
	v, err := r.value(n, depth)
	if err != nil {
		return "", "", err
	}
	switch v.kind {
	case null:
		return "null", "null", nil
	case boolean:
		return v.text, map[string]string{"true": "1", "false": "0"}[v.text], nil
	case list, object:
		return "", "", at(n, ErrKey)
	default:
		return v.text, v.text, nil
	}
}

// isMerge reports whether a key is the word that merges.
func isMerge(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Style == 0 && key.Value == "<<"
}

// merged reads what `<<` merges into a mapping: a mapping, or a list of them of
// which the first that has a key counts.
func (r *yamlReader) merged(n *yaml.Node, depth int) ([]member, error) {
	var members []member
	merges := 0
	for i := 0; i < len(n.Content); i += 2 {
		if !isMerge(n.Content[i]) {
			continue
		}
		if merges++; merges > 1 {
			return nil, at(n.Content[i], ErrMerge)
		}
		from, err := r.value(n.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		if members, err = mergeable(&from); err != nil {
			return nil, at(n.Content[i], err)
		}
	}
	return members, nil
}

func mergeable(from *value) ([]member, error) {
	parts := from.items
	if from.kind == object {
		parts = []value{*from}
	} else if from.kind != list {
		return nil, ErrMerge
	}
	var members []member
	for _, part := range slices.Backward(parts) {
		if part.kind != object {
			return nil, ErrMerge
		}
		members = override(members, part.members)
	}
	return members, nil
}
