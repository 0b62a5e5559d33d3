package intelmqapi

import (
	"bytes"
	"mime"
	"strings"
	"unicode/utf8"
)

// ReadObject reads the JSON object that a body has to be and returns its text, in
// which a name may be there twice. No content type stands for JSON; another one
// is refused, since a browser would send it for a page of another site without
// asking. intelmq-api takes [] for {}, and so empties the configuration.
func ReadObject(contentType string, body []byte) ([]byte, *Invalid) {
	if len(body) > 0 && contentType != "" && !isJSON(contentType) {
		return nil, notAnObject()
	}
	return readObject(body, withText)
}

// isJSON reports whether a content type is JSON, also one with a suffix such as
// application/geo+json.
func isJSON(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	kind, subtype, _ := strings.Cut(media, "/")
	return err == nil && kind == "application" && (subtype == "json" || strings.HasSuffix(subtype, "+json"))
}

// Whether the answer to what is no JSON has the text of it.
const (
	withText    = true
	withoutText = false
)

func readObject(body []byte, echo bool) ([]byte, *Invalid) {
	text := bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	switch {
	case len(text) == 0:
		return nil, &Invalid{[]Detail{*missing("body")}}
	case !utf8.Valid(text):
		return nil, wrongBody("the body is not UTF-8", "value_error")
	}
	if f := checkJSON(text); f != nil {
		return nil, &Invalid{[]Detail{f.detail(text, echo)}}
	}
	text = bytes.Trim(text, jsonBlanks)
	switch {
	case string(text) == "null":
		return nil, &Invalid{[]Detail{*missing("body")}}
	case text[0] != '{':
		return nil, notAnObject()
	}
	return text, nil
}

// place is the context of a fault in a JSON text. Positions count characters: pos
// from 0, line and column from 1.
type place struct {
	Msg  string `json:"msg"`
	Doc  string `json:"doc"`
	Pos  int    `json:"pos"`
	Line int    `json:"lineno"`
	Col  int    `json:"colno"`
}

// maxEcho is how many bytes of a broken text are sent back.
const maxEcho = 4096

func (f *fault) detail(text []byte, echo bool) Detail {
	before := text[:f.at]
	line := before[bytes.LastIndexByte(before, '\n')+1:]
	p := place{
		Msg: f.message, Doc: firstBytes(text, maxEcho), Pos: utf8.RuneCount(before),
		Line: bytes.Count(before, []byte("\n")) + 1, Col: utf8.RuneCount(line) + 1,
	}
	d := Detail{Loc: []any{"body", p.Pos}, Msg: p.message(), Type: "value_error.jsondecode"}
	if echo {
		d.Context = p
	}
	return d
}

// firstBytes is the beginning of a text, which is cut between characters.
func firstBytes(text []byte, most int) string {
	if len(text) <= most {
		return string(text)
	}
	return strings.ToValidUTF8(string(text[:most]), "")
}
