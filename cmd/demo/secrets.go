package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// checkSecrets looks through the folder that a checked demo leaves: nothing of ours in
// it may be open to others, and no key or pepper may stand in a file that is not
// made for it, the log above all.
func checkSecrets(dir string) error {
	secrets, err := readSecrets()
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
		if !isOfBotnet(path) {
			found = append(found, checkMode(path, info.Mode()))
		}
		if !info.Mode().IsRegular() || isKeeper(path) {
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

// secret is one of this demo.
type secret struct {
	// what it is, for errors, which do not tell it.
	what string
	text []byte
}

// keepers are the files that are made for secrets, and where in them the secrets
// are.
var keepers = []struct {
	path, what string
	pattern    *regexp.Regexp
}{
	{pepperFile, "the pepper", regexp.MustCompile(`^([0-9a-f]{64})\n$`)},
	{firstHeader, "the first key", regexp.MustCompile(`(sly_[0-9A-Za-z]{61})`)},
	{secondHeader, "the second key", regexp.MustCompile(`(sly_[0-9A-Za-z]{61})`)},
	{actingHeader, "the key of visitor", regexp.MustCompile(`Basic ([0-9A-Za-z+/=]+)$`)},
	{staffToken, "the token of the provider", regexp.MustCompile(`^(.+)$`)},
	{staffHeader, "the token of the provider", regexp.MustCompile(`Bearer (.+)$`)},
	{xsrfHeader, "the token against forged requests", regexp.MustCompile(`X-XSRF-TOKEN: ([0-9A-Za-z]+)\n`)},
	{loginFile, "the password", regexp.MustCompile(`"password": "([0-9A-Z]{26})"`)},
	{loginAnswer, "the app token", regexp.MustCompile(`"demo:([0-9a-f]{64})"`)},
	{cookieFile, "the session", regexp.MustCompile(`__Host-sallyport\t([0-9A-Za-z]{43})\n`)},
	{accessFile, "a client secret", regexp.MustCompile(`(?m):([0-9A-Za-z]{32})$`)},
	{apiPassword, "the password of CCE's administrator", regexp.MustCompile(`^([0-9A-Z]{26})\n$`)},
	{cceLogin, "the password of CCE's administrator", regexp.MustCompile(`"password": "([0-9A-Z]{26})"`)},
	{cceAnswer, "the session of CCE", regexp.MustCompile(`"sessionid":"([0-9A-Za-z]{63})"`)},
	{cceSession, "the session of CCE", regexp.MustCompile(`"sessionid": "([0-9A-Za-z]{63})"`)},
	{tokenAnswer, "the token of CCE", regexp.MustCompile(`"token":"([0-9A-Za-z]{64})"`)},
	{tokenHeader, "the token of CCE", regexp.MustCompile(`Bearer ([0-9A-Za-z]{64})\n`)},
	{intelmqLogin, "the password", regexp.MustCompile(`&password=([0-9A-Z]{26})$`)},
	{intelmqAnswer, "the token of IntelMQ", regexp.MustCompile(`"login_token":"([0-9a-f]{32})"`)},
	{intelmqHeader, "the token of IntelMQ", regexp.MustCompile(`: ([0-9a-f]{32})$`)},
	{officeHeader, "the client secret of this machine", regexp.MustCompile(`: ([0-9A-Za-z]{32})\n`)},
}

func isKeeper(path string) bool {
	for _, k := range keepers {
		if k.path == path {
			return true
		}
	}
	return false
}

// isOfBotnet reports whether a path is in the folder of IntelMQ, whose files have the
// modes that IntelMQ gives them. The folder around it is closed.
func isOfBotnet(path string) bool {
	return path == botnetFolder || strings.HasPrefix(path, botnetFolder+"/")
}

// readSecrets returns the secrets of this demo.
func readSecrets() (secrets []secret, err error) {
	for _, k := range keepers {
		text, err := os.ReadFile(k.path)
		if err != nil {
			return nil, err
		}
		found := k.pattern.FindAllSubmatch(text, -1)
		if len(found) == 0 {
			return nil, fmt.Errorf("%s has no secret", k.path)
		}
		for _, match := range found {
			secrets = append(secrets, secret{k.what, match[1]})
		}
	}
	return secrets, nil
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
func checkText(path string, text []byte, secrets []secret) error {
	for _, s := range secrets {
		if bytes.Contains(text, s.text) {
			return fmt.Errorf("%s contains a secret: %s", path, s.what)
		}
	}
	return nil
}

// checkLog makes sure that the log was written and that the headers were in it:
// an empty one would have no secret either.
func checkLog() error {
	text, err := os.ReadFile(logFile)
	if err != nil {
		return err
	}
	for _, part := range []string{`"uri":"/reports/today"`, `"uri":"/v2/cce"`, `"uri":"/intelmq/v1/api/login"`, `"Authorization":["REDACTED"]`, `"X-Api-Key":["REDACTED"]`, `"X-Client-Secret":["REDACTED"]`, `"Set-Cookie":["REDACTED"]`} {
		if !bytes.Contains(text, []byte(part)) {
			return fmt.Errorf("%s lacks %s, which the lines must have caused", logFile, part)
		}
	}
	return nil
}
