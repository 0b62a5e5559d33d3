package intelmqconf

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// splicer writes a configuration by changing the text of the old one: the lines
// of what stays the same stay, with their comments.
type splicer struct {
	// lines are those of the old text, with their ends.
	lines []string
	out   strings.Builder
	// resolve writes what has an alias or an anchor anew, since what it stands for
	// has changed.
	resolve bool
	// compared counts the values of the old text that were held against new ones. A
	// save would take minutes if it were their number squared.
	compared int
}

// splice writes want, which is arranged as have is, over a text that has been read as
// root and have. It gives "" if the text is not one of lines with keys, such as
// JSON. What it gives has to be read again, to see whether it is want: an alias may
// stand for what was changed.
func splice(old string, root *yaml.Node, have, want *value, resolve bool) string {
	// The end of a line has no meaning beyond it, but for two of Unicode's that
	// lines are not split at here.
	old = strings.ReplaceAll(strings.TrimPrefix(old, byteOrderMark), "\r\n", "\n")
	if root == nil || strings.ContainsAny(old, "\r\u0085\u2028\u2029") {
		return ""
	}
	if !strings.HasSuffix(old, "\n") {
		old += "\n"
	}
	s := splicer{lines: slices.Collect(strings.Lines(old)), resolve: resolve}
	s.document(root, have, want)
	return s.out.String()
}

// document writes nothing if the text is not one of lines with keys.
func (s *splicer) document(root *yaml.Node, have, want *value) {
	if entries := s.entries(root, have, 0, len(s.lines)); entries != nil {
		s.copy(0, entries[0].lead)
		s.object(entries, want, len(s.lines))
	}
}

// entry is a key with its value, or an item of a list, in the old text.
type entry struct {
	key, node *yaml.Node
	name      string
	have      *value
	// indent is the column of the key or the hyphen, from 0.
	indent int
	// lead is the line of the comment right above it, start its own line, stop the
	// line behind its content, and next the lead of what follows. All count from
	// 0.
	lead, start, stop, next int
}

// entries gives the parts of a mapping or a list that stands in the lines from
// start to end, or nil if not each of them begins on a line of its own, in one
// column, or if what they are is not known from the lines alone.
func (s *splicer) entries(n *yaml.Node, have *value, start, end int) []entry {
	var list []entry
	switch {
	case n.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle == 0 && have.kind == object && len(n.Content) == 2*len(have.members):
		for i, m := range have.members {
			key := n.Content[2*i]
			if key.Kind != yaml.ScalarNode || isMerge(key) {
				return nil
			}
			list = append(list, entry{key: key, node: n.Content[2*i+1], name: m.key, have: &have.members[i].value, indent: key.Column - 1, start: key.Line - 1})
		}
	case n.Kind == yaml.SequenceNode && n.Style&yaml.FlowStyle == 0 && len(n.Content) == len(have.items):
		for i, item := range n.Content {
			list = append(list, entry{node: item, have: &have.items[i], start: item.Line - 1})
		}
	}
	if len(list) == 0 || !s.locate(list, start, end) {
		return nil
	}
	return list
}

// locate finds the lines of entries, and reports whether they can be told apart.
func (s *splicer) locate(list []entry, start, end int) bool {
	for i := range list {
		e := &list[i]
		if e.start < start || e.start >= end {
			return false
		}
		indent, ok := s.column(e)
		if !ok || indent != list[0].indent && i > 0 {
			return false
		}
		e.indent = indent
		e.lead = s.leadOf(e, start)
		start = e.start + 1
	}
	for i := range list {
		next := end
		if i+1 < len(list) {
			next = list[i+1].lead
		}
		list[i].next = next
		list[i].stop = s.contentEnd(&list[i], next)
	}
	return true
}

// column gives the column where an entry begins, if nothing is before it in its
// line.
func (s *splicer) column(e *entry) (int, bool) {
	line := s.lines[e.start]
	indent := len(line) - len(strings.TrimLeft(line, " "))
	if e.key != nil {
		return indent, indent == e.key.Column-1
	}
	rest, hyphen := strings.CutPrefix(line[indent:], "-")
	behind := len(rest) - len(strings.TrimLeft(rest, " "))
	return indent, hyphen && indent+1+behind == e.node.Column-1
}

// isComment reports whether a line is a comment which begins no further right
// than indent, or only there if exactly is true.
func (s *splicer) isComment(line, indent int, exactly bool) bool {
	text := s.lines[line]
	set := len(text) - len(strings.TrimLeft(text, " "))
	return text[set] == '#' && (set == indent || set < indent && !exactly)
}

// leadOf gives the line where the comment right above an entry begins, or the
// line of the entry.
func (s *splicer) leadOf(e *entry, start int) int {
	lead := e.start
	for lead > start && s.isComment(lead-1, e.indent, true) {
		lead--
	}
	return lead
}

// contentEnd gives the line behind an entry, without the empty lines and comments
// that stand between it and the next one.
func (s *splicer) contentEnd(e *entry, next int) int {
	for next > e.start+1 && s.isGap(next-1, e.indent) {
		next--
	}
	return next
}

func (s *splicer) isGap(line, indent int) bool {
	text := strings.TrimSpace(s.lines[line])
	return text == "" || s.isComment(line, indent, false) || strings.HasPrefix(s.lines[line], "...")
}

func (s *splicer) copy(from, to int) {
	for _, line := range s.lines[from:to] {
		s.out.WriteString(line)
	}
}

// object writes what want has in place of entries. What is new stands behind the
// last of them.
func (s *splicer) object(entries []entry, want *value, end int) {
	wanted := want.index()
	for i := range entries {
		e := &entries[i]
		last := i == len(entries)-1
		if v := wanted[e.name]; v != nil {
			s.entry(e, v)
			if !last {
				s.copy(e.stop, e.next)
			}
			delete(wanted, e.name)
		}
	}
	last := &entries[len(entries)-1]
	for i := range want.members {
		if m := &want.members[i]; wanted[m.key] != nil {
			s.out.WriteString(blanks(last.indent))
			renderMember(&s.out, quote(m.key), &m.value, last.indent)
		}
	}
	s.copy(last.stop, end)
}

// list is object for a list: items that stay, in their order, keep their lines.
func (s *splicer) list(entries []entry, want *value, end int) {
	old := s.shelve(entries)
	for i := range want.items {
		v := &want.items[i]
		e := old.take(v)
		if e == nil || !s.keeps(e, v) {
			s.out.WriteString(blanks(entries[0].indent))
			renderItem(&s.out, v, entries[0].indent)
			continue
		}
		s.copy(e.lead, e.stop)
		if e != &entries[len(entries)-1] {
			s.copy(e.stop, e.next)
		}
	}
	s.copy(entries[len(entries)-1].stop, end)
}

// keeps reports whether an entry can stay as it is for v.
func (s *splicer) keeps(e *entry, v *value) bool {
	s.compared++
	return equal(e.have, v) && !s.outdated(e)
}

// outdated reports whether an entry has to be written anew whatever it is.
func (s *splicer) outdated(e *entry) bool {
	return s.resolve && (refers(e.key) || refers(e.node))
}

// entry writes v where the lines of an entry are, up to its stop.
func (s *splicer) entry(e *entry, v *value) {
	if s.keeps(e, v) {
		s.copy(e.lead, e.stop)
		return
	}
	if parts := s.parts(e, v); parts != nil {
		s.copy(e.lead, parts[0].lead)
		if v.kind == object {
			s.object(parts, v, e.stop)
		} else {
			s.list(parts, v, e.stop)
		}
		return
	}
	s.copy(e.lead, e.start)
	s.out.WriteString(blanks(e.indent))
	s.replace(e, v)
}

// parts gives what a value has below its key, if v can be written by changing some
// of it.
func (s *splicer) parts(e *entry, v *value) []entry {
	// An anchor would stay with its key.
	if v.kind != e.have.kind || v.isScalar() || s.resolve && e.node.Anchor != "" {
		return nil
	}
	return s.entries(e.node, e.have, e.start+1, e.stop)
}

// replace writes a key with another value. A remark behind a value stays behind
// it.
func (s *splicer) replace(e *entry, v *value) {
	key := quote(e.name)
	if e.key.Style == 0 && e.key.Anchor == "" {
		key = e.key.Value
	}
	var line strings.Builder
	renderMember(&line, key, v, e.indent)
	written := line.String()
	if remark := e.node.LineComment; remark != "" && v.isScalar() && !strings.Contains(remark, "\n") {
		written = strings.TrimSuffix(written, "\n") + " " + remark + "\n"
	}
	s.out.WriteString(written)
}

// refers reports whether there is an alias or an anchor in a node.
func refers(n *yaml.Node) bool {
	return n != nil && (n.Kind == yaml.AliasNode || n.Anchor != "" || slices.ContainsFunc(n.Content, refers))
}
