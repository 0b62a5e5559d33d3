package cced

// command is a word of the protocol.
type command struct {
	fewest, most int // words after it
	inside       bool
	outside      bool // of a transaction
	do           func(c *conn, words [][]byte)
}

// anyNumber is the most words of a command that takes as many as there are.
const anyNumber = 1 << 30

var commands map[string]command

// The commands' functions reach this table by HELP, so that it cannot be filled
// in its declaration.
func init() {
	commands = map[string]command{
		"ADMIN":   {1, 2, false, true, (*conn).administer},
		"AUTH":    {2, 2, true, true, (*conn).auth},
		"AUTHKEY": {2, 2, true, true, (*conn).authKey},
		"BEGIN":   {0, 0, false, true, (*conn).begin},
		"BYE":     {0, 1, true, true, (*conn).bye},
		"CLASSES": {0, 0, true, true, (*conn).classes},
		"COMMIT":  {0, 0, true, false, (*conn).commit},
		"CREATE":  {1, anyNumber, true, true, (*conn).create},
		"DESTROY": {1, 1, true, true, (*conn).destroy},
		"ENDKEY":  {0, 0, true, true, (*conn).endKey},
		"FIND":    {1, anyNumber, true, true, (*conn).find},
		"GET":     {1, 3, true, true, (*conn).get},
		"HELP":    {0, 0, true, true, (*conn).help},
		"NAMES":   {1, 1, true, true, (*conn).names},
		"SET":     {1, anyNumber, true, true, (*conn).set},
		"WHOAMI":  {0, 0, true, true, (*conn).whoAmI},
	}
}

const longestCommand = len("AUTHKEY")

// findCommand finds a command in any case.
func findCommand(name []byte) (command, bool) {
	var upper [longestCommand]byte
	if len(name) > longestCommand {
		return command{}, false
	}
	for i, b := range name {
		if isLetter(b) {
			b &^= 0x20
		}
		upper[i] = b
	}
	found, known := commands[string(upper[:len(name)])]
	return found, known
}

// execute carries out a line: first the word is looked at, then the number of
// words, then whether all could be read, then what they say.
func (c *conn) execute(line []byte) {
	name, rest := splitCommand(line)
	if len(name) == 0 {
		return
	}
	c.server.record(line)
	if !c.unstalled() || !c.wait(c.server.config.Latency) {
		return
	}
	if flood := c.server.flood.Load(); flood != nil {
		c.drown(*flood)
		return
	}
	found, known := findCommand(name)
	if !known || c.transaction != nil && !found.inside || c.transaction == nil && !found.outside {
		c.badCommand()
		return
	}
	trouble := c.lexer.split(rest)
	words := c.lexer.words
	switch {
	case trouble == deadly:
		c.closing = true
	case len(words) < found.fewest || len(words) > found.most:
		c.badParameters()
	case trouble == broken:
		c.line("306 ERROR COMMAND PARSE ERROR")
		c.badCommand()
	default:
		found.do(c, words)
	}
}
