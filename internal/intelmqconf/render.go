package intelmqconf

import "strings"

// step is how far a level is set in.
const step = 2

// isScalar reports whether a value fits behind its key: it has no parts.
func (v *value) isScalar() bool { return len(v.items) == 0 && len(v.members) == 0 }

// line writes a value without parts.
func (v *value) line() string {
	switch v.kind {
	case list:
		return "[]"
	case object:
		return "{}"
	default:
		return word(v)
	}
}

// renderMembers writes the members of an object, each on a line of its own.
func renderMembers(b *strings.Builder, members []member, indent int) {
	for i := range members {
		b.WriteString(blanks(indent))
		renderMember(b, quote(members[i].key), &members[i].value, indent)
	}
}

// renderMember writes a key and its value, and ends the line.
func renderMember(b *strings.Builder, key string, v *value, indent int) {
	b.WriteString(key)
	b.WriteByte(':')
	switch {
	case v.isScalar():
		b.WriteString(" " + v.line() + "\n")
	case v.kind == object:
		b.WriteByte('\n')
		renderMembers(b, v.members, indent+step)
	default:
		// The hyphens stand below the key, as IntelMQ writes them.
		b.WriteByte('\n')
		for i := range v.items {
			b.WriteString(blanks(indent))
			renderItem(b, &v.items[i], indent)
		}
	}
}

// renderItem writes an item of a list, whose hyphen stands at indent, and ends
// the line. What is in it begins behind the hyphen.
func renderItem(b *strings.Builder, v *value, indent int) {
	b.WriteString("- ")
	indent += step
	switch {
	case v.isScalar():
		b.WriteString(v.line() + "\n")
	case v.kind == object:
		first := &v.members[0]
		renderMember(b, quote(first.key), &first.value, indent)
		renderMembers(b, v.members[1:], indent)
	default:
		for i := range v.items {
			if i > 0 {
				b.WriteString(blanks(indent))
			}
			renderItem(b, &v.items[i], indent)
		}
	}
}

func blanks(n int) string { return strings.Repeat(" ", n) }
