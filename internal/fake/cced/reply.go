package cced

import (
	"strconv"
	"strings"
)

// reply gathers the lines of answers.
type reply struct {
	out []byte
}

// line answers with a line made of parts.
func (r *reply) line(parts ...string) {
	for _, part := range parts {
		r.out = append(r.out, part...)
	}
	r.out = append(r.out, '\n')
}

// number answers with a line that ends in a number.
func (r *reply) number(text string, n int64) {
	r.out = append(r.out, text...)
	r.out = strconv.AppendInt(r.out, n, 10)
	r.out = append(r.out, '\n')
}

// quoted answers with a line that ends in a quoted value.
func (r *reply) quoted(text, value string) {
	r.out = append(r.out, text...)
	r.out = appendQuoted(r.out, value)
	r.out = append(r.out, '\n')
}

// badData answers that a value is not taken. The key is not escaped.
func (r *reply) badData(oid int64, key, message string) {
	r.out = append(r.out, "302 BAD DATA "...)
	r.out = strconv.AppendInt(r.out, oid, 10)
	r.out = append(r.out, ' ')
	r.out = append(r.out, key...)
	r.quoted(" ", message)
}

func (r *reply) ok()            { r.out = append(r.out, "201 OK\n"...) }
func (r *reply) fail()          { r.out = append(r.out, "401 FAIL\n"...) }
func (r *reply) badCommand()    { r.out = append(r.out, "402 BAD COMMAND\n"...) }
func (r *reply) badParameters() { r.out = append(r.out, "403 BAD PARAMETERS\n"...) }

// endsWell reports whether a reply is that of a command that succeeded.
func endsWell(reply string) bool { return strings.HasSuffix("\n"+reply, "\n201 OK\n") }
