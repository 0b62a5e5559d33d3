package cceapi

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/sallyport/sallyport/internal/cscp"
)

// property is a line 102 or 103. It is small, as much of the work is sorting.
type property struct {
	// text is the name, " = " and the quoted value.
	text []byte
	// length is that of the name.
	length uint32
	// rank says which line of a name counts, as it does for Reply.Values: the last
	// of lines 103, else the first of lines 102.
	rank uint32
}

func (p *property) name() []byte   { return p.text[:p.length] }
func (p *property) quoted() []byte { return p.text[p.length+uint32(len(" = ")):] }

// changedRank is above the numbers of all lines: no reply that fits into memory's
// bounds has as many.
const changedRank = 1 << 31

// usualProperties is more than most objects of CCE have.
const usualProperties = 40

// find notes the property of a line, if it is one.
func (w *replyWriter) find(l cscp.Line, number uint32) {
	name, quoted, ok := l.Data()
	if !ok {
		return
	}
	rank := changedRank - number
	if l.Code == cscp.CodeChanged {
		rank = changedRank + number
	}
	if w.found == nil {
		w.found = make([]property, 0, usualProperties)
	}
	text := l.Text[len(l.Text)-len(name)-len(" = ")-len(quoted):]
	w.found = append(w.found, property{text, uint32(len(name)), rank})
}

// properties writes an object of the properties of a GET, each once: what the
// open transaction has changed counts over what is stored. They are sorted by
// name, since the order in which cced has them means nothing.
func (w *replyWriter) properties() error {
	slices.SortFunc(w.found, func(a, b property) int {
		if order := bytes.Compare(a.name(), b.name()); order != 0 {
			return order
		}
		return cmp.Compare(a.rank, b.rank)
	})
	w.body.open()
	for i := range w.found {
		p := &w.found[i]
		if i+1 < len(w.found) && bytes.Equal(w.found[i+1].name(), p.name()) {
			continue
		}
		if err := w.property(p); err != nil {
			return err
		}
	}
	w.body.close()
	return nil
}

func (w *replyWriter) property(p *property) (err error) {
	w.body.comma()
	w.body.text = append(appendString(w.body.text, p.name()), ':')
	if w.hides(p.name()) {
		w.body.text = appendString(w.body.text, masked)
		return nil
	}
	w.body.text, w.scratch, err = appendQuoted(w.body.text, w.scratch, p.quoted(), w.ScalarArrays)
	return err
}
