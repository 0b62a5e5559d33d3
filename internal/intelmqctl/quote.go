package intelmqctl

import "strings"

// quoteAll joins words to a line of a POSIX shell.
func quoteAll(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = quote(word)
	}
	return strings.Join(quoted, " ")
}

// quote makes one word of a POSIX shell, which stands for text. It is written as
// Python's shlex.quote writes it, since the lines of the service that is replaced
// come from there: what needs no quotes has none.
func quote(text string) string {
	if text != "" && strings.IndexFunc(text, needsQuotes) < 0 {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'"'"'`) + "'"
}

func needsQuotes(r rune) bool {
	isWord := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_'
	return !isWord && !strings.ContainsRune("@%+=:,./-", r)
}
