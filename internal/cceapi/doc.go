// Package cceapi is the HTTP contract of the CCE endpoint: what a body asks for,
// and what is answered. It knows the commands and replies of package cscp, but
// neither connections nor HTTP handlers.
//
//	req, err := cceapi.Parse(body)
//	if refused, ok := errors.AsType[*cceapi.Refused](err); ok {
//		return refused.Answer()
//	}
//	…
//	reply, err := pool.Do(ctx, session, req.Command)
//	answer, err := cceapi.Replied(req, reply, cceapi.Options{})
//
// A body is one JSON object with a command in "cmd" and fields beside it, or the
// whole line in "cmd" (the short form):
//
//	{"cmd":"GET","oid":"6","namespace":"Email","user":"admin","sessionid":"…"}
//	{"cmd":"GET 6 . Email","user":"admin","sessionid":"…"}
//
// Both become the same command value, and each was checked: what cced could not
// take, or what could confuse it, is a Refused and goes no further.
//
// What PHP and people send is taken as it is meant: unknown fields are ignored;
// "", null and a missing field are the same, as are [] and {}; values may be
// numbers, booleans, null and arrays.
//
// An answer is always
//
//	{"status":201,"message":"GOODBYE","data":{…}}
//
// with the keys of data sorted and data left out if nothing is in it. Texts are
// written as encoding/json writes them without escaping HTML; bytes that are not
// UTF-8 become U+FFFD. The examples of the API document, each with its request,
// what passes between here and cced, and the answer, are in testdata/document;
// those that are answered otherwise stand in testdata/differences with the reason.
package cceapi
