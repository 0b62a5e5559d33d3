package cscp

import (
	"bytes"
	"iter"
)

// Codes of lines, by cced's own list.
const (
	CodeData      = 102 // DATA name = "value"
	CodeChanged   = 103 // as 102, for what the open transaction has changed
	CodeObject    = 104 // OBJECT oid
	CodeNamespace = 105 // NAMESPACE name
	CodeInfo      = 106 // INFO "text" of a handler
	CodeCreated   = 107 // CREATED: the object was made in the open transaction
	CodeDestroyed = 108 // DESTROYED: it was destroyed in the open transaction
	CodeSessionID = 109 // SESSIONID key
	CodeClass     = 110 // CLASS name

	CodeReady   = 200 // READY, the end of the greeting
	CodeOK      = 201 // OK
	CodeGoodbye = 202 // GOODBYE

	CodeUnknownObject    = 300
	CodeUnknownClass     = 301
	CodeBadData          = 302
	CodeUnknownNamespace = 303
	CodePermissionDenied = 304
	CodeWarning          = 305
	CodeError            = 306
	CodeSuspended        = 309

	CodeFail          = 401
	CodeBadCommand    = 402
	CodeBadParameters = 403
)

// Reply is what cced has answered to one command.
type Reply struct {
	lines []byte
	final int
}

// Final is the code of the last line, 2xx or 4xx.
func (r *Reply) Final() int { return r.final }

// OK reports whether the command was carried out.
func (r *Reply) OK() bool { return r.final/100 == 2 }

// Size is the length of the reply in bytes.
func (r *Reply) Size() int { return len(r.lines) }

// Lines goes through all lines, the last one included. They are parts of the
// reply and must not be changed.
func (r *Reply) Lines() iter.Seq[Line] {
	return func(yield func(Line) bool) {
		for rest := r.lines; len(rest) > 0; {
			end := bytes.IndexByte(rest, '\n')
			if !yield(Line{codeOf(rest), rest[4:end]}) {
				return
			}
			rest = rest[end+1:]
		}
	}
}

// Has reports whether the reply has a line with the code.
func (r *Reply) Has(code int) bool {
	for line := range r.Lines() {
		if line.Code == code {
			return true
		}
	}
	return false
}

// SessionID is the id of the session that AUTH has made, or empty.
func (r *Reply) SessionID() Secret {
	for line := range r.Lines() {
		if id, ok := bytes.CutPrefix(line.Text, []byte("SESSIONID ")); ok && line.Code == CodeSessionID {
			return Secret(id)
		}
	}
	return ""
}

// Objects lists the OIDs of the lines 104. Those of WHOAMI may be -1.
func (r *Reply) Objects() []string { return r.names(CodeObject, "OBJECT ") }

// Namespaces lists the names of the lines 105.
func (r *Reply) Namespaces() []string { return r.names(CodeNamespace, "NAMESPACE ") }

// Classes lists the names of the lines 110.
func (r *Reply) Classes() []string { return r.names(CodeClass, "CLASS ") }

func (r *Reply) names(code int, word string) (names []string) {
	for line := range r.Lines() {
		if line.Code != code {
			continue
		}
		if name, ok := bytes.CutPrefix(line.Text, []byte(word)); ok {
			names = append(names, string(name))
		}
	}
	return names
}

// Values are the properties of a GET, decoded. What the open transaction has
// changed counts over what is stored.
func (r *Reply) Values() (map[string]string, error) {
	values := map[string]string{}
	var buffer []byte
	for line := range r.Lines() {
		name, quoted, ok := line.Data()
		if !ok {
			continue
		}
		var err error
		if buffer, err = AppendUnquoted(buffer[:0], quoted); err != nil {
			return nil, err
		}
		if _, there := values[string(name)]; !there || line.Code == CodeChanged {
			values[string(name)] = string(buffer)
		}
	}
	return values, nil
}

// Line is a line of a reply: its code, and the text behind the blank.
type Line struct {
	Code int
	Text []byte
}

// Data takes a line 102 or 103 apart: the name of a property, and its value in
// quotes, which AppendUnquoted decodes.
func (l Line) Data() (name, quoted []byte, ok bool) {
	if l.Code != CodeData && l.Code != CodeChanged {
		return nil, nil, false
	}
	text, ok := bytes.CutPrefix(l.Text, []byte("DATA "))
	// There is no blank in a name.
	end := bytes.IndexByte(text, ' ')
	if !ok || end < 0 || !bytes.HasPrefix(text[end:], []byte(" = ")) {
		return nil, nil, false
	}
	return text[:end], text[end+len(" = "):], true
}

// IsError reports whether the line tells of something that went wrong, or nearly.
func (l Line) IsError() bool { return l.Code/100 == 3 || l.Code/100 == 4 }

// codeOf is the code of a line, or 0 if it has none.
func codeOf(line []byte) int {
	if len(line) < 4 || line[3] != ' ' || !isDigit(line[0]) || !isDigit(line[1]) || !isDigit(line[2]) {
		return 0
	}
	return int(line[0]-'0')*100 + int(line[1]-'0')*10 + int(line[2]-'0')
}
