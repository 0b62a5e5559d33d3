package intelmqconf_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/intelmqconf"
)

// maker makes configurations by chance.
type maker struct{ *rand.Rand }

var somewhatOdd = []string{"a", "b", "c", "yes", "010", "#x", "a: b", "- a", "", " ", "é☃", "x\ny\n", "tab\t", "<<", "=", "~", "1e3", "'", "\"", "&a", "*a", "!t", "|", ">", "%", "@", "{", "[", ",", "...", "---", "\u2028", "/opt/x", "127.0.0.1"}

func (m maker) word() string { return somewhatOdd[m.IntN(len(somewhatOdd))] }

func (m maker) value(depth int) any {
	switch n := m.IntN(10); {
	case n < 2 && depth < 4:
		return m.object(depth + 1)
	case n < 4 && depth < 4:
		list := []any{}
		for range m.IntN(4) {
			list = append(list, m.value(depth+1))
		}
		return list
	case n < 6:
		return []any{nil, true, false, 1.0, 1.5, -3.0, 1e20}[m.IntN(7)]
	default:
		return m.word()
	}
}

func (m maker) object(depth int) map[string]any {
	object := map[string]any{}
	for range m.IntN(4) {
		object[m.word()] = m.value(depth)
	}
	return object
}

// change gives a value that is another in places.
func (m maker) change(v any) any {
	switch v := v.(type) {
	case map[string]any:
		next := map[string]any{}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			switch m.IntN(8) {
			case 0:
			case 1, 2:
				next[key] = m.change(v[key])
			default:
				next[key] = v[key]
			}
		}
		if m.IntN(4) == 0 {
			next[m.word()] = m.value(2)
		}
		return next
	case []any:
		next := []any{}
		for _, item := range v {
			if m.IntN(4) > 0 {
				next = append(next, item)
			}
			if m.IntN(4) == 0 {
				next = append(next, m.value(3))
			}
		}
		return next
	default:
		return m.value(2)
	}
}

func (m maker) bots(change map[string]any) string {
	bots := map[string]any{"global": map[string]any{"x": 1}}
	for _, key := range slices.Sorted(maps.Keys(change)) {
		if bot, is := change[key].(map[string]any); is {
			bots[key] = bot
		}
	}
	text, err := json.Marshal(bots)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// remark puts comments and empty lines between the lines of a text, and behind
// some.
func (m maker) remark(text string) string {
	var b strings.Builder
	for i, line := range strings.SplitAfter(text, "\n") {
		set := line[:len(line)-len(strings.TrimLeft(line, " "))]
		switch m.IntN(8) {
		case 0:
			fmt.Fprintf(&b, "%s# above %d\n", set, i)
		case 1:
			b.WriteString("\n")
		case 2:
			fmt.Fprintf(&b, "# at the edge %d\n", i)
		case 3:
			if strings.HasSuffix(line, ": true\n") || strings.HasSuffix(line, ":\n") {
				line = strings.TrimSuffix(line, "\n") + fmt.Sprintf("  # behind %d\n", i)
			}
		}
		b.WriteString(line)
	}
	return b.String()
}

// Whatever is changed in whatever configuration, it reads as what was saved, and
// the comments of what is not changed stay.
func TestAnyChangeReadsAsWhatWasSaved(t *testing.T) {
	m := maker{rand.New(rand.NewPCG(1, 2))}
	for i := range 3000 {
		bots := map[string]any{}
		for range 4 {
			bots[m.word()] = m.object(1)
		}
		first, _, err := intelmqconf.Write("{}", m.bots(bots))
		check(t, err)
		old := m.remark(first)
		body := m.bots(m.change(bots).(map[string]any))
		text, plain, err := intelmqconf.Write(old, body)
		if err != nil || plain {
			t.Fatalf("%d: plain is %v, %v\n%s\n%s\n%s", i, plain, err, old, body, text)
		}
		again, _, err := intelmqconf.Write(text, body)
		if err != nil || again != text {
			t.Fatalf("%d: saved once more it is another, %v\n%s\n%s", i, err, text, again)
		}
	}
}
