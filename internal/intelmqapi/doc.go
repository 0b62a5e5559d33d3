// Package intelmqapi is the HTTP contract of intelmq-api 3.3: which paths there
// are, what may be asked of them, and what is answered. It knows the commands of
// package intelmqctl, but neither runs them nor handles HTTP.
//
//	route, found := intelmqapi.Find("/v1/api/bot/")
//	…
//	question, invalid := intelmqapi.Parse(route, "GET", "action=start&id=mail-collector", nil)
//	if invalid != nil {
//		return intelmqapi.Unprocessable(invalid)
//	}
//	if question.Changes() { … }
//
// The routes, with their methods and arguments, are one table; Parse reads by it
// and OpenAPI describes it. What the table cannot say is said beside it in code.
//
// intelmq-manager, published Ansible tasks and scripts lean on the bytes of
// answers, so that those of intelmq-api are kept, but for defects: where ours
// differs the comment says so. What intelmq-api was recorded to answer is in the
// tests of the plugin, with a table of the differences.
//
// Who may ask is decided elsewhere, but for one thing: CrossSite and
// ForeignLogIn say whether another site has made a browser ask.
package intelmqapi
