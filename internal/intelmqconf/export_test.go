package intelmqconf

import (
	"io/fs"
	"slices"
	"strings"
)

// Write gives the text of a runtime.yaml into which a body was saved, and whether
// its comments are lost.
func Write(old, body string) (text string, plain bool, err error) {
	root, have, err := parseRuntime([]byte(old))
	if err != nil {
		return "", false, err
	}
	want, err := parseBots([]byte(body))
	if err != nil {
		return "", false, err
	}
	next, err := write([]byte(old), root, &have, &want)
	return string(next.text), next.plain, err
}

// Compared says how many values a save holds against others to find the lines that
// stay, where all aliases are resolved too.
func Compared(old, body string) (int, error) {
	root, have, err := parseRuntime([]byte(old))
	if err != nil {
		return 0, err
	}
	want, err := parseBots([]byte(body))
	if err != nil {
		return 0, err
	}
	arranged := arrange(&want, &have)
	compared := 0
	for _, resolve := range []bool{false, true} {
		s := splicer{lines: slices.Collect(strings.Lines(old)), resolve: resolve}
		s.document(root, &have, &arranged)
		compared += s.compared
	}
	return compared, nil
}

// Replace puts content in place of a file that was something else when it had the old
// content, and keeps that.
func Replace(path, old, content string, was fs.FileInfo) error {
	_, err := replace(path, change{old: []byte(old), content: []byte(content), was: was, backup: true})
	return err
}
