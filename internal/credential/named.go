package credential

import "strings"

// namedLabel begins what the verifier of a key by name is computed of.
const namedLabel = "key by name\x00"

// Named splits what Basic has after the user name into the name of a key and a secret
// that was made by other software, in which there may be colons: the name ends at the
// first one. ok is false for all that has not both, and for what ends in a key of ours.
func (p *Presented) Named() (name, secret string, ok bool) {
	if p.Kind != Basic {
		return "", "", false
	}
	name, secret, ok = strings.Cut(p.Secret, ":")
	if !ok || name == "" || secret == "" {
		return "", "", false
	}
	word := secret[strings.LastIndexByte(secret, ':')+1:]
	if len(word) > keyBodyLength && len(word) <= maxKeyLength {
		if _, ours := ParseKey(word); ours {
			return "", "", false
		}
	}
	return name, secret, true
}

// OpenNamed begins the check of a secret that other software has made for the key of
// this id. It has no form of its own. The word must be closed; its verifier covers the
// id, so that the same secret of two keys has two.
func (p *Pepper) OpenNamed(id KeyID, secret string) *Word {
	w := p.take(namedLabel)
	w.in = append(w.in, id[:]...)
	w.in = append(w.in, 0)
	w.in = append(w.in, secret...)
	w.id = id
	return w
}

// VerifierOfNamed computes what is kept of a secret that other software has made.
func (p *Pepper) VerifierOfNamed(id KeyID, secret string) Verifier {
	w := p.OpenNamed(id, secret)
	defer w.Close()
	return w.Verifier()
}
