package main

import (
	"io/fs"
	"strings"
	"testing"
)

func TestCheckMode(t *testing.T) {
	tests := map[string]struct {
		mode  fs.FileMode
		right bool
	}{
		"closed file":        {0o600, true},
		"file open to all":   {0o644, false},
		"file open to group": {0o640, false},
		"closed folder":      {fs.ModeDir | 0o700, true},
		"open folder":        {fs.ModeDir | 0o755, false},
		"socket":             {fs.ModeSocket | 0o755, true},
	}
	for name, test := range tests {
		if err := checkMode("x", test.mode); (err == nil) != test.right {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckTextFindsSecretsAndDoesNotTellThem(t *testing.T) {
	secrets := []secret{{"the pepper", []byte("pepper-pepper")}, {"a key", []byte("key-one")}}
	if err := checkText("log", []byte("nothing here"), secrets); err != nil {
		t.Error(err)
	}
	for _, s := range secrets {
		err := checkText("log", append([]byte("before "), s.text...), secrets)
		if err == nil || !strings.Contains(err.Error(), s.what) || strings.Contains(err.Error(), string(s.text)) {
			t.Errorf("a text with a secret: %v", err)
		}
	}
}

func TestTail(t *testing.T) {
	for text, want := range map[string]string{"": "", "a\n": "a", "a\nb\nc\n": "b\nc", "a\nb\nc": "b\nc"} {
		if got := string(tail([]byte(text), 2)); got != want {
			t.Errorf("the tail of %q is %q, want %q", text, got, want)
		}
	}
}
