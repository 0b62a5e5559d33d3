package allowlist

import (
	"errors"
	"net/netip"
	"strings"
)

// ErrNoEntry: the file has no line for an entry.
var ErrNoEntry = errors.New("the file has no such entry")

// Complete adds a line with a new secret for each entry that has none, and says
// how many.
func (d *Document) Complete(entries []Entry, generate Generator) (added int, err error) {
	for _, e := range d.missing(entries) {
		secret, err := generate(SecretLength)
		if err != nil {
			return added, err
		}
		if err := d.add(e, secret); err != nil {
			return added, err
		}
		added++
	}
	return added, nil
}

// missing are the entries without a line, each once.
func (d *Document) missing(entries []Entry) (missing []Entry) {
	found := map[netip.Prefix]bool{}
	for _, e := range entries {
		if _, present := d.at[e.Prefix]; !present && !found[e.Prefix] {
			found[e.Prefix] = true
			missing = append(missing, e)
		}
	}
	return missing
}

func (d *Document) add(e Entry, secret string) error {
	if n := len(d.lines); n > 0 && !strings.HasSuffix(d.lines[n-1].text, "\n") {
		d.lines[n-1].text += "\n"
	}
	l, err := parseLine(e.Text + ":" + secret + "\n")
	if err != nil {
		return err
	}
	d.at[e.Prefix] = len(d.lines)
	d.lines = append(d.lines, l)
	return nil
}

// Rotate gives an entry a new secret and returns it. Where the file held only a
// digest it does so again.
func (d *Document) Rotate(prefix netip.Prefix, generate Generator) (secret string, err error) {
	i, present := d.at[prefix]
	if !present {
		return "", ErrNoEntry
	}
	if secret, err = generate(SecretLength); err != nil {
		return "", err
	}
	written := secret
	if d.lines[i].hashed {
		if written, err = hashSecret(secret, generate); err != nil {
			return "", err
		}
	}
	return secret, d.write(i, written)
}

// Hash replaces the secret of an entry by its digest. One that is a digest
// already stays as it is, and done is false.
func (d *Document) Hash(prefix netip.Prefix, generate Generator) (done bool, err error) {
	i, present := d.at[prefix]
	if !present {
		return false, ErrNoEntry
	}
	l := &d.lines[i]
	if l.hashed {
		return false, nil
	}
	hash, err := hashSecret(l.text[l.from:l.to], generate)
	if err != nil {
		return false, err
	}
	return true, d.write(i, hash)
}

// write puts a secret into a line and leaves all else in it.
func (d *Document) write(i int, secret string) error {
	old := &d.lines[i]
	l, err := parseLine(old.text[:old.from] + secret + old.text[old.to:])
	if err != nil {
		return err
	}
	*old = l
	return nil
}
