// Package howlerusers reads users of howler out of what its database gives out. There a
// user is a document, which has more fields than are read here:
//
//	{
//	  "uname": "goose", "name": "Goose", "email": "goose@example.org",
//	  "type": ["user", "automation_basic"], "groups": ["USERS"],
//	  "is_active": true, "api_quota": 25, "password": "$2b$12$…",
//	  "apikeys": {
//	    "devkey": {"acl": ["R", "W"], "password": "$2b$12$…", "agents": [], "expiry_date": null}
//	  }
//	}
//
// A password that is empty or __NO_PASSWORD__ is none. Documents come as a JSON array, as
// the answer of Elasticsearch to a search ({"hits": {"hits": [{"_source": {…}}]}}), or one
// after the other, with or without a _source around each, as elasticdump writes them.
//
// The files are those of strangers: their size is bounded, and what is said of them holds
// no hash.
package howlerusers
