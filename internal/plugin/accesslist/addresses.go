package accesslist

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sallyport/sallyport/internal/allowlist"
	"github.com/sallyport/sallyport/internal/atomicfile"
	"github.com/sallyport/sallyport/internal/plugin/grammar"
)

const (
	// maxAddressFile is the largest file of addresses, in bytes: 100,000 long
	// networks have 5 million.
	maxAddressFile = 16 << 20
	// caddysLimit is how much of a file Caddy puts in place of {file./path}.
	caddysLimit = 1 << 20
	// privateRanges stands for all private networks, as elsewhere in Caddy.
	privateRanges = "private_ranges"
)

// entries reads the addresses, with what their placeholders stand for.
func (s *Settings) entries() ([]allowlist.Entry, error) {
	var all []allowlist.Entry
	for _, word := range s.Addresses {
		text, err := s.resolveAddresses(word)
		if err != nil {
			return nil, err
		}
		entries, err := parseAddresses(text)
		if bad, ok := errors.AsType[*entryError](err); ok && text != word {
			// What a placeholder stands for by mistake may be a secret.
			return nil, s.about(fmt.Errorf("number %d in '%s': %w", bad.number, word, errors.Unwrap(bad.err)))
		} else if err != nil {
			return nil, s.about(err)
		}
		if len(entries) == 0 {
			return nil, s.about(fmt.Errorf("there is no address in '%s'", word))
		}
		all = append(all, entries...)
	}
	return all, nil
}

// entryError says which of several entries is none.
type entryError struct {
	number int
	err    error
}

func (e *entryError) Error() string { return e.err.Error() }
func (e *entryError) Unwrap() error { return e.err }

// parseAddresses reads addresses and networks, separated by blanks, commas or
// line ends.
func parseAddresses(text string) (entries []allowlist.Entry, err error) {
	between := func(r rune) bool { return r == ',' || unicode.IsSpace(r) }
	number := 0
	for word := range strings.FieldsFuncSeq(text, between) {
		number++
		networks := []string{word}
		if word == privateRanges {
			networks = caddyhttp.PrivateRangesCIDR()
		}
		for _, network := range networks {
			e, err := allowlist.ParseEntry(network)
			if err != nil {
				return nil, &entryError{number, err}
			}
			entries = append(entries, e)
		}
	}
	return entries, nil
}

// resolveAddresses replaces the placeholders of a word. Caddy cuts a file off
// after a mebibyte, and what is left of the last network could be a larger one,
// so a whole file is read here.
func (s *Settings) resolveAddresses(word string) (string, error) {
	path, isFile := strings.CutPrefix(word, "{file.")
	if path, closed := strings.CutSuffix(path, "}"); isFile && closed && !strings.ContainsAny(path, "{}") {
		text, err := readAddresses(path)
		if err != nil {
			return "", s.about(err)
		}
		return text, nil
	}
	text, err := grammar.Resolve(s.Options.Addresses, word)
	if err == nil && len(text) >= caddysLimit {
		return "", s.about(fmt.Errorf("'%s' is larger than Caddy reads; write {file./path} alone", word))
	}
	return text, err
}

func readAddresses(path string) (string, error) {
	file, _, err := atomicfile.OpenRegular(path)
	if errors.Is(err, atomicfile.ErrNotRegular) {
		return "", fmt.Errorf("'%s': %w", path, err)
	}
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxAddressFile+1))
	if err == nil && len(text) > maxAddressFile {
		err = fmt.Errorf("'%s' has more than %d bytes", path, maxAddressFile)
	}
	return string(text), err
}
