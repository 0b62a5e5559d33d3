// Package advice says what a refusal means, and what to change so that the request
// passes: for each cause that the modules put into the logs, in one place. The tables
// in docs/errors.md are the same, word for word.
//
// A new cause gets a Row in the table of the module that says it, and the same row in
// the document. Tests find a cause that has none.
package advice

import (
	"slices"
	"strconv"
	"strings"
)

// Row explains a cause. Texts may have words between backticks, as in the document.
type Row struct {
	// Status is the HTTP statuses that go with it, separated by `, `.
	Status string
	// Cause is the word in the log. One that ends in `…` stands for all that begin so,
	// with another cause behind it.
	Cause string
	// Means says what has happened.
	Means string
	// Change says what to do about it.
	Change string
}

// Sentence is the Cause of the row for causes that are no single word.
const Sentence = "a sentence"

// Table is the rows of one kind of module.
type Table struct {
	// Name is that of the directive or option.
	Name string
	Rows []Row
	// modules are their ids.
	modules []string
	// next are the tables of what the module asks before it answers itself.
	next []*Table
}

var (
	// providers are asked by all who take the tokens of other providers.
	providers     = &Table{Name: "provider", Rows: provider}
	gates         = &Table{Name: "token_auth", Rows: gate, modules: []string{"http.handlers.token_auth", "http.authentication.providers.token"}, next: []*Table{providers}}
	endpoints     = &Table{Name: "auth_api", Rows: authAPI, modules: []string{"http.handlers.auth_api"}, next: []*Table{gates}}
	clientSecrets = &Table{Name: "client_secret", Rows: clientSecret, modules: []string{"http.handlers.client_secret"}}
	cces          = &Table{Name: "cce", Rows: cce, modules: []string{"http.handlers.cce"}, next: []*Table{gates}}
	intelmqs      = &Table{Name: "intelmq", Rows: intelmq, modules: []string{"http.handlers.intelmq"}, next: []*Table{gates}}

	tables = []*Table{gates, endpoints, providers, clientSecrets, cces, intelmqs}
)

// Tables are all that there are, in the order of the document.
func Tables() []*Table { return tables }

// For explains why a module, by its id, has refused a request with a status. The row's
// Cause may be more general than the one that is asked for. A cause that nobody has
// explained has no row.
func For(module string, status int, cause string) (Row, bool) {
	for _, t := range tables {
		if slices.Contains(t.modules, module) {
			return t.find(strconv.Itoa(status), cause)
		}
	}
	return Row{}, false
}

// find looks through the table, and then through those that come next.
func (t *Table) find(status, cause string) (Row, bool) {
	if row, ok := t.row(status, cause); ok {
		return row, true
	}
	for _, row := range t.Rows {
		begin, isPrefix := strings.CutSuffix(row.Cause, "…")
		rest, begins := strings.CutPrefix(cause, begin)
		if !isPrefix || !begins {
			continue
		}
		if inner, ok := t.find(status, rest); ok {
			return Row{Status: row.Status, Cause: cause, Means: row.Means + " " + inner.Means, Change: row.Change + " " + inner.Change}, true
		}
	}
	for _, next := range t.next {
		if row, ok := next.find(status, cause); ok {
			return row, true
		}
	}
	if strings.Contains(cause, " ") {
		return t.row(status, Sentence)
	}
	return Row{}, false
}

// row is that of a cause. Where a cause has several rows the status decides, and
// where it is in none of them the first one counts: the status depends on the contract
// of the endpoint, what has happened does not.
func (t *Table) row(status, cause string) (Row, bool) {
	var first *Row
	for i := range t.Rows {
		row := &t.Rows[i]
		if row.Cause != cause {
			continue
		}
		if slices.Contains(strings.Split(row.Status, ", "), status) {
			return *row, true
		}
		if first == nil {
			first = row
		}
	}
	if first == nil {
		return Row{}, false
	}
	return *first, true
}
