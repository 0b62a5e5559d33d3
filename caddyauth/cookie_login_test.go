package caddyauth

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/provider"
)

// jar is a browser's cookies, in the order in which they came.
type jar struct{ cookies []*http.Cookie }

func (j *jar) request() *http.Request {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/", http.NoBody)
	for _, c := range j.cookies {
		r.AddCookie(c)
	}
	return r
}

// take does what an answer says.
func (j *jar) take(w *httptest.ResponseRecorder) {
	for _, c := range w.Result().Cookies() {
		kept := j.cookies[:0:0]
		for _, old := range j.cookies {
			if old.Name != c.Name {
				kept = append(kept, old)
			}
		}
		if j.cookies = kept; c.MaxAge > 0 {
			j.cookies = append(j.cookies, c)
		}
	}
}

func (j *jar) names() (names []string) {
	for _, c := range j.cookies {
		names = append(names, c.Name)
	}
	return names
}

func (j *jar) begin(state, binding string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	bindLogIn(w, j.request(), provider.Departure{State: credential.NewSecret(state), Binding: credential.NewSecret(binding)})
	j.take(w)
	return w
}

func (j *jar) comeBack(state string) (binding string) {
	w := httptest.NewRecorder()
	binding = takeBinding(w, j.request(), state).Reveal()
	j.take(w)
	return binding
}

func TestEachLogInHasACookieOfItsOwn(t *testing.T) {
	var j jar
	line := j.begin("first state", "first").Header().Get("Set-Cookie")
	// The tag is what `printf 'first state' | sha256sum` begins with.
	want := "__Host-sallyport-login-c8fce04c=first; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax"
	if line != want {
		t.Errorf("the cookie is\n%s, want\n%s", line, want)
	}
	j.begin("second state", "second")
	if got := j.comeBack("first state"); got != "first" {
		t.Errorf("the first comes back with '%s'", got)
	}
	if got := j.comeBack("first state"); got != "" {
		t.Errorf("the first comes back once more with '%s'", got)
	}
	if got := j.comeBack("third state"); got != "" || len(j.cookies) != 1 {
		t.Errorf("one that never began comes back with '%s', and leaves %v", got, j.names())
	}
	if got := j.comeBack("second state"); got != "second" || len(j.cookies) != 0 {
		t.Errorf("the second comes back with '%s', and leaves %v", got, j.names())
	}
}

func TestTwoCookiesOfOneLogInAreNone(t *testing.T) {
	var j jar
	j.begin("state", "binding")
	j.cookies = append(j.cookies, &http.Cookie{Name: loginCookieName("state"), Value: "planted"})
	if got := j.comeBack("state"); got != "" || len(j.cookies) != 0 {
		t.Errorf("it comes back with '%s', and leaves %v", got, j.names())
	}
}

func TestLogInsThatNeverCameBackLoseTheirCookies(t *testing.T) {
	j := jar{[]*http.Cookie{
		{Name: sessionCookie, Value: "kept"}, {Name: loginCookie + "0123abc", Value: "not of ours"}, {Name: loginCookie + "not hex!", Value: "nor this"},
	}}
	strangers := len(j.request().Cookies())
	for n := range 12 {
		j.begin(fmt.Sprint("state ", n), "binding")
	}
	// Nine: the one that has begun last, and the eight that it found.
	var want []string
	for n := 3; n < 12; n++ {
		want = append(want, loginCookieName(fmt.Sprint("state ", n)))
	}
	if diff := cmp.Diff(want, loginCookiesOf(j.request())); diff != "" {
		t.Errorf("cookies of log-ins (-want +got):\n%s", diff)
	}
	if others := len(j.request().Cookies()) - len(want); others != strangers {
		t.Errorf("%d other cookies are left, want %d", others, strangers)
	}
}

func TestAnAnswerToAThousandCookiesIsShort(t *testing.T) {
	var j jar
	for n := range 1000 {
		j.cookies = append(j.cookies, &http.Cookie{Name: loginCookieName(fmt.Sprint(n)), Value: "x"})
	}
	w := j.begin("state", "binding")
	if lines := w.Header()["Set-Cookie"]; len(lines) != maxTakenAway+1 || !strings.Contains(lines[maxTakenAway], "=binding;") {
		t.Errorf("there are %d lines, the last of which is '%s'", len(lines), lines[len(lines)-1])
	}
}
