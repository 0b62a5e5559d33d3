package cceapi

import "testing"

func TestWhatIsToldOfARequest(t *testing.T) {
	for _, c := range []struct {
		name, body string
		audited    bool
		target     string
	}{
		{"a read", `{"cmd":"GET 6"}`, false, ""},
		{"PING", `{"cmd":"PING"}`, false, ""},
		{"a search", `{"cmd":"FIND","class":"User","args":{"name":"a"}}`, false, ""},
		{"a search of ours", `{"cmd":"FINDX","class":"User","args":{"name":"a"},"regex_args":{"name":"^a"}}`, false, ""},
		{"SET", `{"cmd":"SET 6 a = b"}`, true, "6"},
		{"DESTROY", `{"cmd":"DESTROY 7"}`, true, "7"},
		{"CREATE", `{"cmd":"CREATE User"}`, true, "User"},
		{"SUSPEND", `{"cmd":"SUSPEND"}`, true, ""},
		{"a log-in", `{"cmd":"AUTH admin secret"}`, true, ""},
		{"LOGIN", `{"cmd":"LOGIN"}`, true, ""},
		{"COMMIT", `{"cmd":"COMMIT"}`, true, ""},
		{"a session taken up again", `{"cmd":"AUTHKEY admin abc"}`, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, err := Parse([]byte(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if got := req.Audited(); got != c.audited {
				t.Errorf("audited: %v", got)
			}
			if got := req.Target(); got != c.target {
				t.Errorf("the target is '%s'", got)
			}
		})
	}
}
