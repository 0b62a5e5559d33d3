package howler

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/principal"
)

func TestRoutes(t *testing.T) {
	const r, w, e = principal.Read, principal.Write, principal.Extended
	const ofUsers = "GET, HEAD, POST, PUT, DELETE"
	for _, test := range []struct {
		request string
		want    Target
	}{
		{"GET ", Target{Action: Versions, Privileges: r | w, Allow: "GET, HEAD"}},
		{"GET v1/auth/login", Target{Action: LogIn, Public: true, Allow: "GET, HEAD, POST"}},
		{"HEAD v1/auth/login", Target{Action: LogIn, Public: true, Allow: "GET, HEAD, POST"}},
		{"POST v1/auth/login", Target{Action: LogIn, Public: true, Allow: "GET, HEAD, POST"}},
		{"POST v1/auth/logout", Target{Action: LogOut, NoQuota: true, Allow: "POST"}},
		{"GET v1/auth/apikey", Target{Action: ListKeys, Privileges: r, Allow: "GET, HEAD, POST"}},
		{"POST v1/auth/apikey", Target{Action: CreateKey, Privileges: e, Allow: "GET, HEAD, POST"}},
		{"DELETE v1/auth/apikey/ci", Target{Action: DeleteKey, Name: "ci", Privileges: e, Allow: "DELETE"}},
		{"DELETE v1/auth/apikey/disable", Target{Action: DeleteKey, Name: "disable", Privileges: e, Allow: "DELETE"}},
		{"POST v1/auth/apikey/ci/disable", Target{Action: DisableKey, Name: "ci", Privileges: e, Allow: "POST"}},
		{"POST v1/auth/apikey/ci/enable", Target{Action: EnableKey, Name: "ci", Privileges: e, Allow: "POST"}},
		{"POST v1/auth/apikey/ci/rotate", Target{Action: RotateKey, Name: "ci", Privileges: e, Allow: "POST"}},
		{"GET v1/auth/sessions", Target{Action: ListSessions, Privileges: r, Allow: "GET, HEAD, DELETE"}},
		{"DELETE v1/auth/sessions", Target{Action: EndSessions, Privileges: e, Allow: "GET, HEAD, DELETE"}},
		{"DELETE v1/auth/sessions/4f", Target{Action: EndSession, Name: "4f", Privileges: e, Allow: "DELETE"}},
		{"GET v1/user/whoami", Target{Action: ShowSelf, Privileges: r, NoQuota: true, Allow: "GET, HEAD"}},
		{"POST v1/user/password", Target{Action: ChangePassword, Privileges: e, Allow: "POST, PUT"}},
		{"PUT v1/user/password", Target{Action: ChangePassword, Privileges: e, Allow: "POST, PUT"}},
		{"GET v1/user/alice", Target{Action: ShowUser, Name: "alice", Privileges: r, Allow: ofUsers}},
		{"HEAD v1/user/alice", Target{Action: ShowUser, Name: "alice", Privileges: r, Allow: ofUsers}},
		{"POST v1/user/alice", Target{Action: AddUser, Name: "alice", Privileges: e, UserTypes: []string{"admin"}, Allow: ofUsers}},
		{"PUT v1/user/alice", Target{Action: EditUser, Name: "alice", Privileges: e, NoQuota: true, Allow: ofUsers}},
		{"DELETE v1/user/alice", Target{Action: DeleteUser, Name: "alice", Privileges: e, UserTypes: []string{"admin"}, Allow: ofUsers}},
		{"GET v1/configs", Target{Action: ShowConfigs, Public: true, Allow: "GET, HEAD"}},
	} {
		verb, path, _ := strings.Cut(test.request, " ")
		for _, spelt := range []string{path, "/" + path, path + "/", "/" + path + "/"} {
			if spelt == "//" {
				continue
			}
			got, failure := Route(verb, spelt, "/api"+spelt)
			if failure != nil {
				t.Errorf("%s '%s': %s", verb, spelt, failure.Text)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s '%s' (-want +got):\n%s", verb, spelt, diff)
			}
		}
	}
}

func TestTheClientFindsItsVersion(t *testing.T) {
	if !slices.Contains(VersionList(), "v1") {
		t.Errorf("%s", VersionList())
	}
}

func TestUnknownPathsAreToldAsTheyWereSent(t *testing.T) {
	for _, path := range []string{
		"/v1", "/v2", "/v1/auth", "/v1/auth/log", "/v1/auth/login/x", "/v1//auth/login", "//", "//v1/auth/login", "/v1/auth/login//",
		"/V1/auth/login", "/v1/auth/apikey/ci/remove", "/v1/auth/apikey//disable", "/v1/auth/apikey/a/b/disable", "/v1/user",
		"/v1/user/{}/x", "/v1/auth/../user/whoami", "/v1/configs/x",
	} {
		target, failure := Route("GET", path, "/api"+path)
		if want := "Api does not exist (/api" + path + ")"; told(failure) != want || failure.Status != 404 {
			t.Errorf("got '%s', want '%s'", told(failure), want)
		}
		if diff := cmp.Diff(Target{}, target); diff != "" {
			t.Errorf("'%s': %s", path, diff)
		}
	}
}

func TestWrongMethodsLearnOfTheRightOnes(t *testing.T) {
	for request, want := range map[string]string{
		"POST /":                         "GET, HEAD",
		"PUT /v1/auth/login":             "GET, HEAD, POST",
		"get /v1/auth/login":             "GET, HEAD, POST",
		"OPTIONS /v1/auth/login":         "GET, HEAD, POST",
		"GET /v1/auth/logout":            "POST",
		"GET /v1/auth/apikey/ci":         "DELETE",
		"GET /v1/auth/apikey/ci/disable": "POST",
		"POST /v1/user/whoami":           "GET, HEAD",
		"GET /v1/user/password":          "POST, PUT",
		"PATCH /v1/user/alice":           "GET, HEAD, POST, PUT, DELETE",
		"\" /v1/user/alice":              "GET, HEAD, POST, PUT, DELETE",
		"DELETE /v1/user/whoami":         "GET, HEAD",
		"DELETE /v1/user/password":       "POST, PUT",
		"POST /v1/configs/":              "GET, HEAD",
	} {
		verb, path, _ := strings.Cut(request, " ")
		target, failure := Route(verb, path, path)
		if failure == nil || failure.Status != 405 || failure.Allow != want || target.Action != 0 {
			t.Errorf("%s: got %d %s", request, target.Action, told(failure))
		}
	}
}

// TestOnlyALogInAndItsPageArePublic would notice a path that was forgotten.
func TestOnlyALogInAndItsPageArePublic(t *testing.T) {
	for _, r := range resources {
		for _, m := range r.methods {
			if public := m.target.Action == LogIn || m.target.Action == ShowConfigs; m.target.Public != public {
				t.Errorf("%s %s: public is %v", m.name, r.pattern, m.target.Public)
			}
			if m.target.Privileges == 0 && !m.target.Public && m.target.Action != LogOut {
				t.Errorf("%s %s needs no privilege", m.name, r.pattern)
			}
			if changes := m.name != "GET"; changes && m.target.Action != LogIn && m.target.Action != LogOut && m.target.Privileges != principal.Extended {
				t.Errorf("%s %s needs %s, not extended", m.name, r.pattern, m.target.Privileges)
			}
		}
	}
}

// FuzzRoute holds that a name is one segment, and that a slash at the end
// changes nothing.
func FuzzRoute(f *testing.F) {
	for _, path := range []string{"", "/", "/v1/auth/login", "/v1/auth/apikey/ci/rotate", "/v1/user/\xff", "//", "/v1/auth/sessions/{}"} {
		f.Add("GET", path)
		f.Add("DELETE", path)
	}
	f.Fuzz(func(t *testing.T, verb, path string) {
		target, failure := Route(verb, path, path)
		if (failure == nil) != (target.Action != 0) {
			t.Fatalf("%d, %s", target.Action, told(failure))
		}
		if failure != nil {
			if failure.Status != 404 && failure.Status != 405 || (failure.Allow == "") != (failure.Status == 404) || len(failure.Text) > 3000 {
				t.Errorf("%+v", *failure)
			}
			return
		}
		if strings.Contains(target.Name, "/") || !strings.Contains(path, target.Name) {
			t.Errorf("name %q of %q", target.Name, path)
		}
		if again, _ := Route(verb, strings.TrimSuffix(path, "/")+"/", path); again.Action != target.Action || again.Name != target.Name {
			t.Errorf("a slash at the end of %q makes %d of %d", path, again.Action, target.Action)
		}
	})
}

func BenchmarkRoute(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, failure := Route("GET", "/v1/user/whoami", "/api/v1/user/whoami"); failure != nil {
			b.Fatal(failure.Text)
		}
	}
}
