package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// checkSecrets looks through the folder that a checked demo leaves: nothing in
// it may be open to others, and no key or pepper may stand in a file that is not
// made for it, the log above all.
func checkSecrets(dir string) error {
	secrets, keepers, err := readSecrets()
	if err != nil {
		return err
	}
	var found []error
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		found = append(found, checkMode(path, info.Mode()))
		if !info.Mode().IsRegular() || slices.Contains(keepers, path) {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		found = append(found, checkText(path, text, secrets))
		return nil
	})
	if err := errors.Join(append(found, err, checkLog())...); err != nil {
		return err
	}
	fmt.Printf("No secret stands where it should not, and %s is closed to others.\n", dir)
	return nil
}

// readSecrets returns the secrets of this demo, and the files made for them.
func readSecrets() (secrets [][]byte, keepers []string, err error) {
	pepper, err := os.ReadFile(pepperFile)
	if err != nil {
		return nil, nil, err
	}
	secrets = append(secrets, bytes.TrimSpace(pepper))
	keepers = []string{pepperFile, firstHeader, secondHeader}
	for _, name := range []string{firstHeader, secondHeader} {
		header, err := os.ReadFile(name)
		if err != nil {
			return nil, nil, err
		}
		words := strings.Fields(string(header))
		if len(words) < 2 {
			return nil, nil, fmt.Errorf("%s has no key", name)
		}
		key := words[len(words)-1]
		secrets = append(secrets, []byte(key))
	}
	for i, secret := range secrets {
		if len(secret) < 32 {
			return nil, nil, fmt.Errorf("%s has no secret", keepers[i])
		}
	}
	return secrets, keepers, nil
}

// checkMode: directories 0700, files 0600. Sockets in them are out of reach.
func checkMode(path string, mode fs.FileMode) error {
	want := fs.FileMode(0o600)
	switch {
	case mode.IsDir():
		want = 0o700
	case !mode.IsRegular():
		return nil
	}
	if mode.Perm() != want {
		return fmt.Errorf("%s has mode %04o, and not %04o", path, mode.Perm(), want)
	}
	return nil
}

// checkText reports an error if a secret stands in text. The error does not
// tell it.
func checkText(path string, text []byte, secrets [][]byte) error {
	for i, secret := range secrets {
		if bytes.Contains(text, secret) {
			return fmt.Errorf("%s contains a secret: %s", path, []string{"the pepper", "the first key", "the second key"}[i])
		}
	}
	return nil
}

// checkLog makes sure that the log was written and that both headers were in
// it: an empty one would have no secret either.
func checkLog() error {
	text, err := os.ReadFile(logFile)
	if err != nil {
		return err
	}
	for _, part := range []string{`"uri":"/reports/today"`, `"Authorization":["REDACTED"]`, `"X-Api-Key":["REDACTED"]`} {
		if !bytes.Contains(text, []byte(part)) {
			return fmt.Errorf("%s lacks %s, which the lines must have caused", logFile, part)
		}
	}
	return nil
}
