package cceapi

import "testing"

func TestWhatIsToldOfARequest(t *testing.T) {
	for _, c := range []struct {
		name, body string
		audited    bool
		target     string
		searched   int
	}{
		{"a read", `{"cmd":"GET 6"}`, false, "", 0},
		{"PING", `{"cmd":"PING"}`, false, "", 0},
		{"a search", `{"cmd":"FIND","class":"User","args":{"name":"a"}}`, false, "", 1},
		{"a search of ours", `{"cmd":"FINDX","class":"User","args":{"name":"a"},"regex_args":{"name":"^a"}}`, false, "", 2},
		{"SET", `{"cmd":"SET 6 a = b"}`, true, "6", 0},
		{"DESTROY", `{"cmd":"DESTROY 7"}`, true, "7", 0},
		{"CREATE", `{"cmd":"CREATE User"}`, true, "User", 0},
		{"SUSPEND", `{"cmd":"SUSPEND"}`, true, "", 0},
		{"a log-in", `{"cmd":"AUTH admin secret"}`, true, "", 0},
		{"LOGIN", `{"cmd":"LOGIN"}`, true, "", 0},
		{"COMMIT", `{"cmd":"COMMIT"}`, true, "", 0},
		{"a session taken up again", `{"cmd":"AUTHKEY admin abc"}`, false, "", 0},
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
			if got := len(req.Searched()); got != c.searched {
				t.Errorf("%d criteria", got)
			}
		})
	}
}
