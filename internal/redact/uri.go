package redact

import "strings"

// URI hides the credentials in a request target or a URL: user and password in
// front of the host, the values of parameters in query and fragment whose names
// say that they are credentials, and whatever has the form of an API key, an app
// token or a JWT. Of a parameter that holds such a URL itself, or JSON with such a
// name, the whole value is hidden; a path that holds one encoded, and a query
// that cannot be parsed, are hidden whole, and so is a text of more than 16 KiB.
func URI(text string) string {
	if len(text) > maxLength {
		return Redacted
	}
	at := strings.IndexAny(text, "?#")
	if at < 0 {
		return hidePath(text)
	}
	head, tail := text[:at], text[at:]
	newHead, newTail := hidePath(head), hideParameters(tail)
	if head == newHead && tail == newTail {
		return text
	}
	return newHead + newTail
}

// hidePath redacts what stands in front of the query.
func hidePath(head string) string {
	head = hideForms(hidePathParameters(hideUserinfo(head)))
	if strings.IndexByte(head, '%') >= 0 && holdsInside(head, holdsSecret) {
		return Redacted
	}
	return head
}

// hideUserinfo hides what stands in front of the last `@` of a host. A host is
// what stands between `//` and the next slash, or between `:/` and that, as
// browsers have it, to whom a backslash is a slash; a path may look the same.
func hideUserinfo(head string) string {
	var out []byte
	done := 0
	for begin := 0; begin < len(head); {
		end := len(head)
		if next := strings.IndexAny(head[begin:], `/\`); next >= 0 {
			end = begin + next
		}
		at := strings.LastIndexByte(head[begin:end], '@')
		if at > 0 && begin >= 2 && strings.IndexByte(`/\:`, head[begin-2]) >= 0 {
			out = append(append(out, head[done:begin]...), Redacted...)
			done = begin + at
		}
		begin = end + 1
	}
	if out == nil {
		return head
	}
	return string(append(out, head[done:]...))
}

// hidePathParameters hides the first parameter that is a credential, as in
// `/a;jsessionid=…`, and all behind it.
func hidePathParameters(head string) string {
	for begin := strings.IndexAny(head, ";&"); begin >= 0; {
		begin++
		end := len(head)
		next := strings.IndexAny(head[begin:], ";&")
		if next >= 0 {
			end = begin + next
		}
		if from := secretValue(head[begin:end]); from >= 0 && begin+from < len(head) {
			return head[:begin+from] + Redacted
		}
		if next < 0 {
			break
		}
		begin = end
	}
	return head
}

// hideParameters redacts the query and the fragment, with the `?` or `#` in
// front.
//
// They are not told apart: where a client sends `#` as it is, the server takes
// it and all behind it for the query.
func hideParameters(tail string) string {
	var out []byte
	done := 0
	for begin := 1; begin <= len(tail); {
		end := len(tail)
		if next := strings.IndexByte(tail[begin:], '&'); next >= 0 {
			end = begin + next
		}
		from, ok := secretIn(tail[begin:end])
		if !ok {
			return tail[:1] + Redacted
		}
		if begin+from < end {
			out = append(append(out, tail[done:begin+from]...), Redacted...)
			done = end
		}
		begin = end + 1
	}
	if out != nil {
		tail = string(append(out, tail[done:]...))
	}
	return hideForms(tail)
}

// secretIn finds where in a part of a query, between two `&`, that begins which
// is to be hidden; it goes on to the end of the part, since a value may hold `?`
// and `#` as they are. It is not ok if the part cannot be parsed.
func secretIn(part string) (from int, ok bool) {
	if strings.IndexByte(part, ';') >= 0 {
		// Some readers end a parameter there, net/url refuses it.
		return 0, false
	}
	for begin := 0; ; {
		end := len(part)
		if next := strings.IndexAny(part[begin:], "?#"); next >= 0 {
			end = begin + next
		}
		parameter := part[begin:end]
		if !wellEscaped(parameter) {
			return 0, false
		}
		if from := secretOf(parameter); from >= 0 {
			return begin + from, true
		}
		if end == len(part) {
			return end, true
		}
		begin = end + 1
	}
}

// secretOf is where in a parameter that begins which is to be hidden, -1 if
// there is nothing. Keys that stand in its name as they are do not count here.
func secretOf(parameter string) int {
	name, value, hasValue := strings.Cut(parameter, "=")
	from := secretValue(parameter)
	// A key in place of the name may end as names of credentials do.
	shown := parameter[:max(from-1, len(name))]
	if holdsInside(shown, func(text string) bool { return secretValue(text) >= 0 || holdsSecret(text) }) {
		return 0
	}
	switch {
	case from >= 0:
		return from
	case holdsStructure(name):
		return 0
	case !hasValue:
		return -1
	case holdsSecret(value), holdsInside(value, holdsSecret):
		return len(name) + 1
	case holdsStructure(parameter):
		return 0
	}
	return -1
}

// secretValue is where the value begins of a parameter whose name is that of a
// credential, -1 if it is not. The name may end at a colon, and have `=` in
// front.
func secretValue(parameter string) int {
	begin := len(parameter) - len(strings.TrimLeft(parameter, "="))
	end := strings.IndexByte(parameter[begin:], '=')
	if end < 0 {
		end = len(parameter) - begin
	}
	name := parameter[begin : begin+end]
	if colon := strings.IndexByte(name, ':'); colon >= 0 && isSecret(unescape(name[:colon])) {
		return begin + colon + 1
	}
	if begin+end < len(parameter) && isSecret(unescape(name)) {
		return begin + end + 1
	}
	return -1
}

// wellEscaped reports whether each `%` begins the code of a character.
func wellEscaped(text string) bool {
	for {
		at := strings.IndexByte(text, '%')
		if at < 0 {
			return true
		}
		if _, ok := escaped(text[at:]); !ok {
			return false
		}
		text = text[at+3:]
	}
}
