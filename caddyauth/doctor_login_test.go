package caddyauth

import (
	"strings"
	"testing"
)

func TestDoctorFindsLogInsBehindAGate(t *testing.T) {
	const found = "login_behind_gate: the log-in needs a credential: a token_auth stands before auth_api, at /apps/http/servers/srv0/routes/0/handle/0/routes/"
	const there = " of the configuration in JSON"
	for name, test := range map[string]struct {
		site string
		want []string
	}{
		"the gate in a handle":    {"auth_api /api\nhandle {\ntoken_auth\nrespond in\n}", nil},
		"beside it":               {"auth_api /api\ntoken_auth", []string{found + "1/handle/0" + there}},
		"around it":               {"token_auth\nhandle /api/* {\nauth_api /api\n}", []string{found + "1/handle/0/routes/0/handle/0" + there}},
		"before it in one route":  {"route {\ntoken_auth\nauth_api\n}", []string{found + "0/handle/0/routes/0/handle/1" + there}},
		"behind it in one route":  {"route {\nauth_api /api\ntoken_auth\n}", nil},
		"a gate for other paths":  {"auth_api /api\ntoken_auth /reports/*", nil},
		"a gate that is optional": {"auth_api /api\ntoken_auth {\noptional\n}", nil},
		"an address gate":         {"auth_api /api\nclient_secret {\nallow 192.0.2.1\nsecrets_file none\n}", nil},
	} {
		t.Run(name, func(t *testing.T) {
			e := examine(t, "{\nlog {\noutput discard\n}\n}\nhttps://example.org {\n"+test.site+"\n}\n")
			expectFindings(t, e, test.want...)
		})
	}
}

func TestDoctorTellsTheLogInsOfEachServer(t *testing.T) {
	gated := `{"routes":[{"handle":[{"handler":"token_auth"},{"handler":"auth_api"}]}]}`
	e := examine(t, `{"logging":{"logs":{"default":{"writer":{"output":"discard"}}}},"apps":{"http":{"servers":{"b":`+gated+`,"a":`+gated+`}}}}`)
	list, err := checkLogins(e)
	if err != nil || len(list) != 2 || !strings.Contains(list[0].What, "/servers/a/routes/0/handle/1") || !strings.Contains(list[1].What, "/servers/b/routes/0/handle/1") {
		t.Errorf("%v %v", list, err)
	}
}
