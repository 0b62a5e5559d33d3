package cscp

// Words that begin the sort of a FIND and not a criterion.
const (
	wordSortType = "sorttype"
	wordSortProp = "sortprop"
	// wordSort and wordSortNum are the old forms: one word for a type and the
	// property.
	wordSort    = "sort"
	wordSortNum = "sortnum"
)

func isSortWord(word string) bool {
	switch word {
	case wordSortType, wordSortProp, wordSort, wordSortNum:
		return true
	}
	return false
}

// findParser reads the words behind the class of a FIND. The sort may stand
// anywhere among the criteria.
type findParser struct {
	words []string
	find  Find
	// kind and property are the sort as far as it was read.
	kind, property *string
}

func parseFind(words []string) (Find, bool) {
	p := findParser{words: words[1:], find: Find{Class: words[0]}}
	for len(p.words) > 0 {
		read := p.criterion
		if isSortWord(p.words[0]) {
			read = p.sort
		}
		if !read() {
			return Find{}, false
		}
	}
	if (p.kind == nil) != (p.property == nil) {
		return Find{}, false
	}
	if p.kind != nil {
		p.find.Sort = &Sort{*p.kind, *p.property}
	}
	return p.find, true
}

func (p *findParser) sort() bool {
	if len(p.words) < 2 {
		return false
	}
	word, value := p.words[0], p.words[1]
	p.words = p.words[2:]
	switch word {
	case wordSortType:
		return once(&p.kind, value)
	case wordSortProp:
		return once(&p.property, value)
	case wordSort:
		return once(&p.kind, "ascii") && once(&p.property, value)
	}
	return once(&p.kind, "old_numeric") && once(&p.property, value)
}

func once(to **string, value string) bool {
	if *to != nil {
		return false
	}
	*to = &value
	return true
}

func (p *findParser) criterion() bool {
	property, rest := p.words[0], p.words[1:]
	if len(rest) >= 2 && rest[0] == "." {
		property, rest = property+"."+rest[1], rest[2:]
	}
	if len(rest) < 2 || rest[0] != "=" && rest[0] != "~" {
		return false
	}
	p.find.Criteria = append(p.find.Criteria, Criterion{property, rest[1], rest[0] == "~"})
	p.words = rest[2:]
	return true
}
