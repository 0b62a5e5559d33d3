package howler

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxBody is the longest body that is worth reading, in bytes. Callers see to
// it.
const MaxBody = 64 << 10

// queryCredentials are the fields that must not stand in a query, where logs,
// histories and Referer headers keep them.
var queryCredentials = []string{"user", "password", "apikey", "refresh_token", "old_password", "new_password", "old_pass", "new_pass"}

// hasCredentials reports whether a query has such a field, spelt in whatever
// case: it has been seen by then, and the user should learn of it.
func hasCredentials(query url.Values) bool {
	for name := range query {
		if isKnown(name, queryCredentials) {
			return true
		}
	}
	return false
}

// readFields reads the fields of a JSON object or of a form, all of them texts.
// JSON nulls are fields that are not there. No body is no fields.
func readFields(contentType string, body []byte, known []string) (map[string]string, *Failure) {
	if len(body) == 0 {
		return nil, nil
	}
	switch mediaType := parseMediaType(contentType); {
	case isJSON(mediaType):
		return readTexts(body, known)
	case mediaType == "application/x-www-form-urlencoded":
		return readForm(body, known)
	default:
		return nil, NoDataBlock
	}
}

func readTexts(body []byte, known []string) (map[string]string, *Failure) {
	object, failure := readObject(body, known)
	if failure != nil {
		return nil, failure
	}
	fields := make(map[string]string, len(known))
	for _, name := range known {
		value, there := object[name]
		if !there || isNull(value) {
			continue
		}
		text, ok := readText(value)
		if !ok {
			return nil, InvalidData
		}
		fields[name] = text
	}
	return fields, nil
}

func readForm(body []byte, known []string) (map[string]string, *Failure) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, InvalidData
	}
	fields, names := make(map[string]string, len(known)), newNames(known)
	for name, values := range form {
		if len(values) != 1 || !utf8.ValidString(name+values[0]) || !names.add(name) {
			return nil, InvalidData
		}
		fields[name] = values[0]
	}
	return fields, nil
}

// readObject reads a JSON object. Names that are there twice are refused, and so
// are those that differ by case only: readers disagree about which one counts,
// and one may have been checked and another one used. Howler takes the last.
func readObject(body []byte, known []string) (map[string]json.RawMessage, *Failure) {
	// Invalid UTF-8 would be mended, so that two bodies would be the same.
	if !utf8.Valid(body) || !json.Valid(body) {
		return nil, NoDataBlock
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, InvalidData
	}
	object, names := map[string]json.RawMessage{}, newNames(known)
	for decoder.More() {
		token, err := decoder.Token()
		name, ok := token.(string)
		if err != nil || !ok || !names.add(name) {
			return nil, InvalidData
		}
		var value json.RawMessage
		if decoder.Decode(&value) != nil {
			return nil, InvalidData
		}
		object[name] = value
	}
	return object, nil
}

// names are the names of an object or a form that have been read.
type names struct {
	known []string
	// folded are those that are not known. Known ones are in it as they are.
	folded map[string]bool
}

func newNames(known []string) names { return names{known, map[string]bool{}} }

// add reports whether a name is new, and not a known one in another case.
func (n names) add(name string) bool {
	if !slices.Contains(n.known, name) {
		if isKnown(name, n.known) {
			return false
		}
		// Unknown fields are of no consequence, so the usual letters will do.
		name = strings.ToLower(name)
	}
	if n.folded[name] {
		return false
	}
	n.folded[name] = true
	return true
}

// isKnown compares as encoding/json does, which takes ſ for s.
func isKnown(name string, known []string) bool {
	return slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(name, k) })
}

// readText reads a JSON string.
func readText(value json.RawMessage) (string, bool) {
	var text *string
	if len(value) == 0 || json.Unmarshal(value, &text) != nil || text == nil {
		return "", false
	}
	return *text, true
}

// readTextList reads a JSON list of strings.
func readTextList(value json.RawMessage) ([]string, bool) {
	var list []*string
	if len(value) == 0 || json.Unmarshal(value, &list) != nil || list == nil {
		return nil, false
	}
	texts := make([]string, 0, len(list))
	for _, text := range list {
		if text == nil {
			return nil, false
		}
		texts = append(texts, *text)
	}
	return texts, true
}

func isNull(value json.RawMessage) bool { return string(value) == "null" }

// parseMediaType gives the type of a Content-Type header in lower case, or
// nothing. Parameters do not matter: JSON is UTF-8 (RFC 8259 section 8.1).
func parseMediaType(contentType string) string {
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return ""
	}
	return mediaType
}

// isJSON goes by RFC 6839 section 3.1, as howler does.
func isJSON(mediaType string) bool {
	return mediaType == "application/json" ||
		strings.HasPrefix(mediaType, "application/") && strings.HasSuffix(mediaType, "+json")
}
