package cce_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/cce"
)

// FuzzHides: a pattern hides what the regular expression does that it stands for, in
// capitals and small letters of ASCII.
func FuzzHides(f *testing.F) {
	for _, pattern := range []string{"*pass*", "na?e", "a*b*c", "**", "?*", "[a]", `\`, "é?"} {
		f.Add(pattern, []byte("Snmp.PassWord"))
		f.Add(pattern, []byte("aXbXbYc"))
	}
	f.Fuzz(func(t *testing.T, pattern string, name []byte) {
		if len(pattern) > 200 || len(name) > 2000 {
			return // regexp takes long
		}
		last := name[bytes.LastIndexByte(name, '.')+1:]
		expression := regexp.QuoteMeta(byteByByte([]byte(pattern)))
		expression = strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(expression)
		want := regexp.MustCompile(`(?s)\A` + expression + `\z`).MatchString(byteByByte(last))
		limits := cce.Limits{Hide: []string{pattern}}
		if got := limits.Hides(name); got != want {
			t.Errorf("'%s' hides %q: %t, want %t", pattern, name, got, want)
		}
	})
}

// byteByByte has a letter for each byte, small ones for those of ASCII.
func byteByByte(text []byte) string {
	letters := make([]rune, len(text))
	for i, c := range text {
		letters[i] = rune(c)
		if 'A' <= c && c <= 'Z' {
			letters[i] += 'a' - 'A'
		}
	}
	return string(letters)
}

// FuzzIsToken: the form of a token is what the pattern says.
func FuzzIsToken(f *testing.F) {
	f.Add(strings.Repeat("a0Z", 22)[:cce.TokenLength])
	f.Add(strings.Repeat("é", cce.TokenLength/2))
	f.Add(strings.Repeat("a", cce.TokenLength) + "\n")
	pattern := regexp.MustCompile(`\A[0-9a-zA-Z]{64}\z`)
	f.Fuzz(func(t *testing.T, word string) {
		if got, want := cce.IsToken(word), pattern.MatchString(word); got != want {
			t.Errorf("%q: %t, want %t", word, got, want)
		}
	})
}

// FuzzPassword: whatever is in the two files, the password is one line of text that
// they hold, or there is an error, which names a file and holds nothing of either.
func FuzzPassword(f *testing.F) {
	f.Add([]byte(" "+plain+"\r\n"), []byte(nil))
	f.Add([]byte("Salted__ and more"), []byte(nil))
	f.Add([]byte("Salted__\x00\x01\x02\x03\x04\x05\x06\x07 no whole block"), []byte(masterKey))
	f.Add([]byte("two\nlines"), []byte(" \n"))
	f.Add(bytes.Repeat([]byte("long"), 1025), []byte(nil))
	f.Add([]byte{}, []byte(masterKey))
	f.Fuzz(func(t *testing.T, content, key []byte) {
		dir := t.TempDir()
		files := cce.AccountFiles{Password: filepath.Join(dir, "passwd")}
		check(t, os.WriteFile(files.Password, content, 0o600))
		if key != nil {
			files.MasterKey = filepath.Join(dir, "key")
			check(t, os.WriteFile(files.MasterKey, key, 0o600))
		}
		password, err := cce.NewAccount("api-admin", files).Password(t.Context())
		if err != nil {
			if password != "" || !strings.Contains(err.Error(), dir) || len(content) > 8 && strings.Contains(err.Error(), string(content)) {
				t.Fatalf("%v", err)
			}
			return
		}
		if password == "" || strings.ContainsFunc(string(password), func(r rune) bool { return r < ' ' || r == 0x7f }) || strings.TrimSpace(string(password)) != string(password) {
			t.Fatalf("%q is taken for a password", string(password))
		}
		if key == nil && string(password) != strings.TrimSpace(string(content)) {
			t.Fatalf("%q holds %q", content, string(password))
		}
	})
}
