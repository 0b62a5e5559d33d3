package cscp

import (
	"fmt"
	"slices"
	"strings"
)

// SyntaxError says that a line is no command, in cced's terms.
type SyntaxError struct {
	// Code is CodeBadCommand or CodeBadParameters.
	Code int
	// Parse says that the line cannot be taken apart into words. cced then says
	// 306 ERROR COMMAND PARSE ERROR before its 402.
	Parse bool
	text  string
}

// Error never holds a value of the line.
func (e *SyntaxError) Error() string { return e.text }

func unknownWord() error {
	return &SyntaxError{Code: CodeBadCommand, text: "the first word of the line is no command"}
}

func parseError(word string) error {
	return &SyntaxError{
		Code: CodeBadCommand, Parse: true,
		text: word + ": put values with other characters than letters, digits, '_' and '+' in double quotes, and '\\' before '\"' and '\\' in them",
	}
}

func badUse(word, use string) error {
	return &SyntaxError{Code: CodeBadParameters, text: fmt.Sprintf("%s: write '%s'", word, use)}
}

// syntax is how a command is written: how many words follow its own (at most -1
// is any number), and what makes a command of them. parse reports false if they
// are in no right order.
type syntax struct {
	least, most int
	use         string
	parse       func(words []string) (Command, bool)
}

func alone(c Command) syntax {
	return syntax{0, 0, c.Word(), func([]string) (Command, bool) { return c, true }}
}

var syntaxes = map[string]syntax{
	"AUTH":    {2, 2, `AUTH "user" "password"`, parseAuth},
	"AUTHKEY": {2, 2, `AUTHKEY "user" "session id"`, parseAuthKey},
	"ENDKEY":  alone(EndKey{}),
	"WHOAMI":  alone(WhoAmI{}),
	"GET":     {1, 3, `GET oid [. namespace]`, parseGet},
	"SET":     {1, -1, `SET oid [. namespace] property = "value" ...`, parseSet},
	"CREATE":  {1, -1, `CREATE class property = "value" ...`, parseCreate},
	"DESTROY": {1, 1, `DESTROY oid`, parseDestroy},
	"FIND":    {1, -1, findUse, func(words []string) (Command, bool) { return parseFind(words) }},
	"NAMES":   {1, 1, `NAMES oid|class`, parseNames},
	"CLASSES": alone(Classes{}),
	"BEGIN":   alone(Begin{}),
	"COMMIT":  alone(Commit{}),
	"ADMIN":   {1, 2, `ADMIN SUSPEND ["reason"] or ADMIN RESUME`, parseAdmin},
	"BYE":     {0, 1, `BYE`, parseBye},
}

const findUse = `FIND class [property = "value"] [property ~ "regular expression"] ... [sorttype type sortprop property]`

// Words lists the words that ParseLine knows, sorted.
func Words() []string {
	words := make([]string, 0, len(syntaxes))
	for word := range syntaxes {
		words = append(words, word)
	}
	slices.Sort(words)
	return words
}

// Word splits the first word off a line. The word is in upper case; like cced's
// it ends at a blank, a tab or a carriage return, and at nothing else.
func Word(line string) (word, rest string) {
	for line != "" && isBlank(line[0]) {
		line = line[1:]
	}
	end := strings.IndexAny(line, " \t\r")
	if end < 0 {
		end = len(line)
	}
	return upper(line[:end]), line[end:]
}

// upper is text with its ASCII letters in upper case, and nothing else changed:
// Unicode has letters that become ASCII ones.
func upper(text string) string {
	b := []byte(text)
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

// ParseLine reads a line that a client has written for cced, without its line
// end, as cced would, and returns the command it says. The error is a
// SyntaxError with the code of cced's reply; it is also one for what cced might
// take and Append does not, such as HELP, base64, or a namespace with a line end
// in its name.
//
// AUTH and AUTHKEY are returned with whatever user, password and id they have: a
// bad one is no error of writing but a refused log-in.
func ParseLine(line string) (Command, error) {
	word, rest := Word(line)
	s, known := syntaxes[word]
	if !known {
		return nil, unknownWord()
	}
	words, err := s.words(word, rest)
	if err != nil {
		return nil, err
	}
	command, ok := s.parse(words)
	if !ok {
		return nil, badUse(word, s.use)
	}
	switch command.(type) {
	case Auth, AuthKey:
		return command, nil
	}
	return command, sayable(word, command)
}

// ParseFind reads what follows the word of a FIND: class, criteria and sort. The
// error is a SyntaxError, as ParseLine's.
func ParseFind(words string) (Find, error) {
	const word = "FIND"
	split, err := syntaxes[word].words(word, words)
	if err != nil {
		return Find{}, err
	}
	find, ok := parseFind(split)
	if !ok {
		return Find{}, badUse(word, findUse)
	}
	return find, sayable(word, find)
}

// sayable turns what is wrong with a command's parameters into cced's 403.
func sayable(word string, c Command) error {
	if err := c.check(); err != nil {
		return &SyntaxError{Code: CodeBadParameters, text: word + ": " + err.Error()}
	}
	return nil
}

// words splits and counts the words that follow a command's own. Like cced it
// counts before it looks whether all can be read, and as far as they can.
func (s syntax) words(word, text string) ([]string, error) {
	tokens := lex(text)
	if n := len(tokens); n < s.least || s.most >= 0 && n > s.most {
		return nil, badUse(word, s.use)
	}
	words := make([]string, len(tokens))
	for i, t := range tokens {
		if t.bad {
			return nil, parseError(word)
		}
		// An escaped one would end the value there.
		if strings.IndexByte(t.text, 0) >= 0 {
			return nil, &SyntaxError{Code: CodeBadParameters, text: word + ": a word has a NUL in it, which cced cannot take"}
		}
		words[i] = t.text
	}
	return words, nil
}

func parseAuth(words []string) (Command, bool) {
	return Auth{words[0], Secret(words[1])}, true
}

func parseAuthKey(words []string) (Command, bool) {
	return AuthKey{words[0], Secret(words[1])}, true
}

func parseGet(words []string) (Command, bool) {
	oid, namespace, rest, ok := parseObject(words)
	return Get{oid, namespace}, ok && len(rest) == 0
}

func parseSet(words []string) (Command, bool) {
	oid, namespace, rest, ok := parseObject(words)
	if !ok {
		return nil, false
	}
	values, ok := parsePairs(rest)
	return Set{oid, namespace, values}, ok
}

func parseCreate(words []string) (Command, bool) {
	values, ok := parsePairs(words[1:])
	return Create{words[0], values}, ok
}

func parseDestroy(words []string) (Command, bool) {
	oid, err := ParseOID(words[0])
	return Destroy{oid}, err == nil
}

func parseNames(words []string) (Command, bool) {
	if word := words[0]; word == "" || !all(word, isDigit) {
		return Names{Class: word}, true
	}
	oid, err := ParseOID(words[0])
	return Names{OID: oid}, err == nil
}

func parseAdmin(words []string) (Command, bool) {
	switch upper(words[0]) {
	case "SUSPEND":
		if len(words) == 2 {
			return Suspend{words[1]}, true
		}
		return Suspend{}, true
	case "RESUME":
		return Resume{}, len(words) == 1
	}
	return nil, false
}

// parseBye accepts the words that handlers say how they fared with.
func parseBye(words []string) (Command, bool) {
	return Bye{}, len(words) == 0 || slices.Contains([]string{"SUCCESS", "FAIL", "DEFER"}, upper(words[0]))
}

// parseObject reads an OID, perhaps with a dot and a namespace.
func parseObject(words []string) (oid OID, namespace string, rest []string, ok bool) {
	oid, err := ParseOID(words[0])
	if err != nil {
		return 0, "", nil, false
	}
	rest = words[1:]
	if len(rest) == 0 || rest[0] != "." {
		return oid, "", rest, true
	}
	// A SET with nothing behind the dot ends cced's connection.
	if len(rest) == 1 {
		return 0, "", nil, false
	}
	return oid, rest[1], rest[2:], true
}

func parsePairs(words []string) (pairs []Pair, ok bool) {
	for ; len(words) > 0; words = words[3:] {
		if len(words) < 3 || words[1] != "=" {
			return nil, false
		}
		pairs = append(pairs, Pair{words[0], words[2]})
	}
	return pairs, true
}
