package intelmqconf_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/intelmqconf"
)

// efforts are saves that change a lot, of n values each.
var efforts = map[string]func(n int) (old, body string){
	"a list becomes another one": func(n int) (string, string) {
		return "a:\n  x:\n" + numbered("  - %d\n", 0, n), `{"a":{"x":[` + numbered("%d,", n, 2*n) + `0]}}`
	},
	"a list is turned round": func(n int) (string, string) {
		return "a:\n  x:\n" + numbered("  - '%06d'\n", 0, n), `{"a":{"x":[` + turned(numbered(`"%06d",`, 0, n)) + `"end"]}}`
	},
	"a list of one number many times becomes one of the same as a word": func(n int) (string, string) {
		return "a:\n  x:\n" + strings.Repeat("  - 7\n", n), `{"a":{"x":[` + strings.Repeat(`"7",`, n) + `7]}}`
	},
	"a list loses its first item": func(n int) (string, string) {
		return "a:\n  x:\n" + numbered("  - %d\n", 0, n), `{"a":{"x":[` + numbered("%d,", 1, n) + `0]}}`
	},
	"a list of objects becomes another one": func(n int) (string, string) {
		return "a:\n  x:\n" + numbered("  - k: 1\n    l: %d\n", 0, n/5), `{"a":{"x":[` + numbered(`{"k":1,"l":%d},`, n, n+n/5) + `0]}}`
	},
	"what a list stands for in aliases changes": func(n int) (string, string) {
		return "a: {x: &A 1}\nb:\n  y:\n" + strings.Repeat("  - *A\n", n), `{"a":{"x":2},"b":{"y":[` + strings.Repeat("3,", n) + `1]}}`
	},
	"all keys become others": func(n int) (string, string) {
		return "a:\n" + numbered("  k%d: 1\n", 0, n/2), `{"a":{` + numbered(`"m%d":2,`, 0, n/2) + `"k":0}}`
	},
}

// numbered repeats a text with the numbers from first up to end.
func numbered(format string, first, end int) string {
	var b strings.Builder
	for i := first; i < end; i++ {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// turned gives words that end in a comma in the other order.
func turned(text string) string {
	words := strings.SplitAfter(text, ",")
	for i, j := 0, len(words)-1; i < j; i, j = i+1, j-1 {
		words[i], words[j] = words[j], words[i]
	}
	return strings.Join(words, "")
}

func TestTheEffortOfASaveGrowsAsTheConfigurationDoes(t *testing.T) {
	const n = 500
	for name, effort := range efforts {
		t.Run(name, func(t *testing.T) {
			one, err := intelmqconf.Compared(effort(n))
			check(t, err)
			four, err := intelmqconf.Compared(effort(4 * n))
			check(t, err)
			if one > 3*n || four > 4*one+100 {
				t.Errorf("%d values take %d comparisons, and %d take %d", n, one, 4*n, four)
			}
		})
	}
}

// Each list is found again where it is, with a number as the browser sends it.
func TestItemsThatAreTheSameDataKeepTheirLines(t *testing.T) {
	const old = "a:\n  x:\n  - 1.0 # one\n  - {b: 2, c: [0.5e1]} # two\n  - 1e23 # long\n  - -0.0 # zero\n  - [1, 2] # list\n  - 1.0 # again\n  - '1' # word\n"
	for name, c := range map[string]struct{ items, want string }{
		"all of them":                  {`"new",1,{"c":[5],"b":2},100000000000000000000000,0,[1,2],1,"1"`, strings.Replace(old, "  - 1.0 # one", "  - new\n  - 1.0 # one", 1)},
		"the other order is another":   {`0,[2,1],"1"`, "a:\n  x:\n  - -0.0 # zero\n  - - 2\n    - 1\n  - '1' # word\n"},
		"one of two that are the same": {`[1,2],1`, "a:\n  x:\n  - [1, 2] # list\n  - 1.0 # again\n"},
	} {
		t.Run(name, func(t *testing.T) {
			_, text := save(t, put(t, old), `{"a":{"x":[`+c.items+`]}}`)
			if text != c.want {
				t.Errorf("'%s', want '%s'", text, c.want)
			}
		})
	}
}

// BenchmarkSaveAtTheLimits is for the lock that a save holds: it must be seconds.
func BenchmarkSaveAtTheLimits(b *testing.B) {
	for name, effort := range efforts {
		b.Run(name, func(b *testing.B) {
			old, body := effort(250_000)
			for b.Loop() {
				_, _, err := intelmqconf.Write(old, body)
				check(b, err)
			}
		})
	}
}
