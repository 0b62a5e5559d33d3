package cscp

import (
	"fmt"
	"strconv"
)

// Append appends the line of a command to dst, with its line end. If the command
// cannot be said nothing is appended, and the error is a ParameterError.
func Append(dst []byte, c Command) ([]byte, error) {
	if err := checkCommand(c); err != nil {
		return dst, err
	}
	return append(c.appendWords(append(dst, c.Word()...)), '\n'), nil
}

func checkCommand(c Command) error {
	if err := c.check(); err != nil {
		return fmt.Errorf("%s: %w", c.Word(), err)
	}
	return nil
}

func (c Auth) appendWords(line []byte) []byte {
	return appendText(appendText(line, c.User), string(c.Password))
}

func (c AuthKey) appendWords(line []byte) []byte {
	return appendText(appendText(line, c.User), string(c.SessionID))
}

func (c Get) appendWords(line []byte) []byte { return appendObject(line, c.OID, c.Namespace) }

func (c Set) appendWords(line []byte) []byte {
	return appendPairs(appendObject(line, c.OID, c.Namespace), c.Values)
}

func (c Create) appendWords(line []byte) []byte {
	return appendPairs(appendName(line, c.Class), c.Values)
}

func (c Destroy) appendWords(line []byte) []byte { return appendObject(line, c.OID, "") }

func (c Find) appendWords(line []byte) []byte {
	line = appendName(line, c.Class)
	for _, k := range c.Criteria {
		operator := " = "
		if k.Regexp {
			operator = " ~ "
		}
		line = appendWord(line, k.Property)
		line = AppendQuoted(append(line, operator...), k.Value)
	}
	if c.Sort != nil {
		line = appendWord(append(line, " sorttype"...), c.Sort.Type)
		line = appendWord(append(line, " sortprop"...), c.Sort.Property)
	}
	return line
}

func (c Names) appendWords(line []byte) []byte {
	if c.OID != 0 {
		return appendObject(line, c.OID, "")
	}
	return appendName(line, c.Class)
}

func (c Suspend) appendWords(line []byte) []byte {
	if c.Reason == "" {
		return line
	}
	return appendText(line, c.Reason)
}

func (EndKey) appendWords(line []byte) []byte  { return line }
func (WhoAmI) appendWords(line []byte) []byte  { return line }
func (Classes) appendWords(line []byte) []byte { return line }
func (Begin) appendWords(line []byte) []byte   { return line }
func (Commit) appendWords(line []byte) []byte  { return line }
func (Resume) appendWords(line []byte) []byte  { return line }
func (Bye) appendWords(line []byte) []byte     { return line }

func appendName(line []byte, name string) []byte { return append(append(line, ' '), name...) }

func appendText(line []byte, text string) []byte { return AppendQuoted(append(line, ' '), text) }

// appendWord appends a word as it is, or in quotes where cced would take it for
// several: those with a namespace and a dot.
func appendWord(line []byte, word string) []byte {
	if all(word, inName) {
		return appendName(line, word)
	}
	return appendText(line, word)
}

func appendObject(line []byte, oid OID, namespace string) []byte {
	line = strconv.AppendUint(append(line, ' '), uint64(oid), 10)
	if namespace != "" {
		line = appendName(append(line, " ."...), namespace)
	}
	return line
}

func appendPairs(line []byte, pairs []Pair) []byte {
	for _, p := range pairs {
		line = AppendQuoted(append(appendName(line, p.Name), " = "...), p.Value)
	}
	return line
}
