package credential

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// line is a pepper as text: a digit 64 times.
func line(digit string) string { return strings.Repeat(digit, 64) }

func peppers(t *testing.T, lines ...string) *Peppers {
	t.Helper()
	s, err := ParsePeppers([]byte(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func pepper(t *testing.T, text string) *Pepper {
	t.Helper()
	p, err := ParsePepper([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAFileOfOnePepperIsThatPepper(t *testing.T) {
	one := pepper(t, pepperText)
	for _, text := range []string{pepperText, pepperText + "\n"} {
		s, err := ParsePeppers([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if s.Newest().Fingerprint() != one.Fingerprint() || s.Text().Reveal() != pepperText+"\n" {
			t.Errorf("'%q' is read as another pepper", text)
		}
	}
}

func TestTheFirstPepperIsTheNewest(t *testing.T) {
	s := peppers(t, line("2"), line("1"))
	old, recent := pepper(t, line("1")), pepper(t, line("2"))
	if got := s.Newest().Fingerprint(); got != recent.Fingerprint() {
		t.Errorf("the newest is %s", got)
	}
	if want := []string{recent.Fingerprint(), old.Fingerprint()}; !slices.Equal(s.Fingerprints(), want) {
		t.Errorf("fingerprints %v, want %v", s.Fingerprints(), want)
	}
	if got := s.Find(old.Fingerprint()); got == nil || got.Verifier("word") != old.Verifier("word") {
		t.Error("the old pepper is not found")
	}
	if s.Find("none") != nil {
		t.Error("a pepper is found that is not there")
	}
}

func TestPeppersComeAndGo(t *testing.T) {
	s := new(Peppers)
	if s.Newest() != nil {
		t.Error("there is a newest among none")
	}
	for i := range MaxPeppers {
		p := pepper(t, line(fmt.Sprint(i)))
		next, err := s.With(p)
		if err != nil || next.Newest() != p {
			t.Fatalf("pepper %d: %v", i, err)
		}
		if len(s.Fingerprints()) != i {
			t.Error("the peppers before were changed")
		}
		if _, err := next.With(p); !errors.Is(err, ErrSamePepper) {
			t.Errorf("the same one again: %v", err)
		}
		s = next
	}
	if _, err := s.With(pepper(t, line("9"))); !errors.Is(err, ErrManyPeppers) {
		t.Errorf("one more: %v", err)
	}
	first := pepper(t, line("0"))
	less := s.Without(first.Fingerprint())
	if len(less.Fingerprints()) != MaxPeppers-1 || less.Find(first.Fingerprint()) != nil || s.Find(first.Fingerprint()) == nil {
		t.Errorf("without the first there are %v", less.Fingerprints())
	}
	if got := len(less.Without("none").Fingerprints()); got != MaxPeppers-1 {
		t.Errorf("without one that is not there, there are %d", got)
	}
	back, err := ParsePeppers([]byte(s.Text().Reveal()))
	if err != nil || !slices.Equal(back.Fingerprints(), s.Fingerprints()) {
		t.Errorf("peppers do not survive being written: %v", err)
	}
}

// notPeppers is what is no pepper file.
var notPeppers = map[string]string{
	"nothing":                 "",
	"a line end":              "\n",
	"half of a pepper":        pepperText[:32],
	"two line ends":           pepperText + "\n\n",
	"an empty line":           line("1") + "\n\n" + line("2") + "\n",
	"carriage returns":        line("1") + "\r\n" + line("2") + "\r\n",
	"the same pepper twice":   pepperText + "\n" + pepperText + "\n",
	"the same in capitals":    line("a") + "\n" + line("A") + "\n",
	"two in a line":           line("1") + line("2") + "\n",
	"one that is cut off":     line("1") + "\n" + line("2")[:63] + "\n",
	"more peppers than eight": strings.Join([]string{line("0"), line("1"), line("2"), line("3"), line("4"), line("5"), line("6"), line("7"), line("8")}, "\n"),
}

func TestParsePeppersRefuses(t *testing.T) {
	for name, text := range notPeppers {
		if _, err := ParsePeppers([]byte(text)); !errors.Is(err, ErrPeppersForm) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPeppersAreNeverPrinted(t *testing.T) {
	s := peppers(t, pepperText, line("7"))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		text := fmt.Sprintf(verb, s) + fmt.Sprintf(verb, []any{s})
		if strings.Contains(text, pepperText) || strings.Contains(text, line("7")) {
			t.Errorf("%s prints them", verb)
		}
	}
}

// What is read is written in one way only, and read again as the same.
func FuzzParsePeppers(f *testing.F) {
	for _, text := range notPeppers {
		f.Add([]byte(text))
	}
	f.Add([]byte(pepperText))
	f.Add([]byte(line("a") + "\n" + line("B") + "\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := ParsePeppers(text)
		if err != nil {
			if !errors.Is(err, ErrPeppersForm) {
				t.Errorf("%v", err)
			}
			return
		}
		if got := s.Text().Reveal(); got != strings.ToLower(strings.TrimSuffix(string(text), "\n"))+"\n" {
			t.Errorf("%q is written as %q", text, got)
		}
		again, err := ParsePeppers([]byte(s.Text().Reveal()))
		if err != nil || !slices.Equal(again.Fingerprints(), s.Fingerprints()) || len(again.Fingerprints()) > MaxPeppers {
			t.Errorf("%q does not come back: %v", text, err)
		}
	})
}
