package cced

import (
	"bytes"
	"encoding/base64"
	"strconv"
)

// splitCommand cuts a line into the command's word and the rest. A comma is no
// blank here: `GET,1` is an unknown word.
func splitCommand(line []byte) (name, rest []byte) {
	line = bytes.TrimLeft(line, " \t\r")
	if end := bytes.IndexAny(line, " \t\r"); end >= 0 {
		return line[:end], line[end:]
	}
	return line, nil
}

// lexer cuts what follows the command's word into words. Its buffers are used
// again for the next line, so that words are good for one command only.
type lexer struct {
	words [][]byte
	text  []byte // what quoted and base64 words decode to
}

// fault says what a line suffers from.
type fault int

const (
	sound  fault = iota
	broken       // a parse error; the broken word counts as one
	deadly       // what makes the real daemon's worker crash
)

// split cuts a line into words, up to the first parse error.
func (l *lexer) split(line []byte) fault {
	l.words, l.text = l.words[:0], l.text[:0]
	for len(line) > 0 {
		if isBlank(line[0]) {
			line = line[1:]
			continue
		}
		word, rest, found := l.next(line)
		l.words = append(l.words, word)
		if found != sound {
			return found
		}
		line = rest
	}
	return sound
}

func (l *lexer) next(line []byte) (word, rest []byte, found fault) {
	switch first := line[0]; {
	case isPlain(first):
		end := 1
		for end < len(line) && isPlain(line[end]) {
			end++
		}
		return line[:end], line[end:], sound
	case first == '"':
		return l.quoted(line[1:])
	case first == '#':
		return l.base64(line[1:])
	case first == '=' && len(line) > 1 && line[1] == '=':
		return line[:2], line[2:], sound
	case bytes.IndexByte([]byte("=~.()/"), first) >= 0:
		return line[:1], line[1:], sound
	}
	return nil, nil, broken
}

// quoted decodes a quoted word, which begins after its first quote.
func (l *lexer) quoted(line []byte) (word, rest []byte, found fault) {
	start := len(l.text)
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '"':
			return l.cut(start), line[i+1:], sound
		case '\\':
			if i++; i == len(line) {
				return nil, nil, broken
			}
			if octal, ok := octalEscape(line[i:]); ok {
				l.text = append(l.text, octal)
				i += 2
				continue
			}
			l.text = append(l.text, unescaped(line[i]))
		default:
			l.text = append(l.text, line[i])
		}
	}
	return nil, nil, broken
}

// cut takes the decoded word from the buffer. It ends at a NUL byte, since the
// daemon's strings are C strings.
func (l *lexer) cut(start int) []byte {
	word := l.text[start:len(l.text):len(l.text)]
	if end := bytes.IndexByte(word, 0); end >= 0 {
		word = word[:end]
	}
	return word
}

// mostBase64 is a length that the real daemon surely cannot take. Where it
// begins to crash is not known.
const mostBase64 = 1 << 28

// base64 decodes `<length>#<base64>`: cut or padded to the length.
func (l *lexer) base64(line []byte) (word, rest []byte, found fault) {
	number, line, ok := bytes.Cut(line, []byte("#"))
	length, err := strconv.ParseUint(string(number), 10, 63)
	if !ok || err != nil {
		return nil, nil, broken
	}
	if length > mostBase64 {
		return nil, nil, deadly
	}
	end := 0
	for end < len(line) && isBase64(line[end]) {
		end++
	}
	start := len(l.text)
	text := bytes.TrimRight(line[:end], "=")
	l.text, err = base64.RawStdEncoding.AppendDecode(l.text, text)
	if err != nil {
		return nil, nil, broken
	}
	if most := start + int(length); len(l.text) > most {
		l.text = l.text[:most]
	}
	return l.cut(start), line[end:], sound
}

func isBlank(b byte) bool { return b == ' ' || b == '\t' || b == '\r' || b == ',' }

func isPlain(b byte) bool { return isAlphanumeric(b) || b == '_' || b == '+' }

func isBase64(b byte) bool { return isAlphanumeric(b) || b == '+' || b == '/' || b == '=' }

func isAlphanumeric(b byte) bool { return isLetter(b) || isDigit(b) }

func isLetter(b byte) bool { return 'a' <= b|0x20 && b|0x20 <= 'z' }

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

// octalEscape reads three octal digits. Over 377 the low 8 bits count.
func octalEscape(text []byte) (byte, bool) {
	if len(text) < 3 {
		return 0, false
	}
	value := 0
	for _, digit := range text[:3] {
		if digit < '0' || digit > '7' {
			return 0, false
		}
		value = value<<3 | int(digit-'0')
	}
	return byte(value), true
}

// escapes pairs bytes with the letter that stands for them after a backslash.
const escapes = "\aa\bb\ff\nn\rr\tt\vv"

// unescaped is what a backslash and a letter mean: most mean the letter itself.
func unescaped(letter byte) byte {
	for i := 1; i < len(escapes); i += 2 {
		if escapes[i] == letter {
			return escapes[i-1]
		}
	}
	return letter
}

// appendQuoted appends a value as the daemon writes it: in quotes, ASCII only.
func appendQuoted(line []byte, value string) []byte {
	line = append(line, '"')
	clean := 0 // the start of what needs no escape
	for i := 0; i < len(value); i++ {
		b := value[i]
		if b >= ' ' && b < 0x7f && b != '"' && b != '\\' {
			continue
		}
		line = append(line, value[clean:i]...)
		line = appendEscape(line, b)
		clean = i + 1
	}
	line = append(line, value[clean:]...)
	return append(line, '"')
}

func appendEscape(line []byte, b byte) []byte {
	if b == '"' || b == '\\' {
		return append(line, '\\', b)
	}
	for i := 0; i < len(escapes); i += 2 {
		if escapes[i] == b {
			return append(line, '\\', escapes[i+1])
		}
	}
	return append(line, '\\', '0'+b>>6, '0'+b>>3&7, '0'+b&7)
}
