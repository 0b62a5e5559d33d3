package caddyintelmq

import (
	"net/http"

	"github.com/sallyport/sallyport/internal/intelmqapi"
	"github.com/sallyport/sallyport/internal/principal"
)

// maxLogIn is how long the body of a log-in may be, in bytes: who sends it is not
// known yet, and must not fill the memory.
const maxLogIn = 64 << 10

// logIn gives a token for a user name and a password.
func (h *IntelMQ) logIn(c *call) *intelmqapi.Answer {
	if h.InsecureNoAuth {
		return intelmqapi.LoginOff()
	}
	if intelmqapi.ForeignLogIn(c.r.Header, c.r.Host, scheme(c.r), h.settings.origins) {
		c.cause = "cross_origin"
		return intelmqapi.Refused(http.StatusForbidden, "this page cannot log in here; allow_origins lists those that can", 0)
	}
	content, refused := h.readBody(c, min(h.settings.maxBody, maxLogIn))
	if refused != nil {
		return refused
	}
	form, invalid := intelmqapi.Fields(c.r.Header.Get("Content-Type"), content)
	if invalid == nil {
		_, invalid = intelmqapi.Parse(c.route, c.r.Method, "", form)
	}
	if invalid != nil {
		c.cause = "bad_argument"
		return intelmqapi.Unprocessable(invalid)
	}
	session, refusal := h.login.LogIn(c.r, &principal.LogIn{
		User: form.Get("username"), Password: form.Get("password"),
		Method: principal.MethodBareToken, Lifetime: h.settings.lifetime,
		InsecurePlainHTTP: h.InsecurePlainHTTP,
	})
	switch {
	case refusal == nil:
		return intelmqapi.LoggedIn(session.Token.Reveal(), session.User)
	case refusal.Status == http.StatusUnauthorized || refusal.Status == http.StatusBadRequest:
		c.refuse(refusal)
		return intelmqapi.LoginFailed()
	}
	c.refuse(refusal)
	return intelmqapi.LoginRefused(refusal.Status, refusal.Message, refusal.Wait)
}

// logOut ends the session of the token with which the caller asks.
func (h *IntelMQ) logOut(c *call) *intelmqapi.Answer {
	if h.InsecureNoAuth {
		return intelmqapi.LoginOff()
	}
	refusal := h.login.LogOut(c.r, c.principal)
	if refusal == nil {
		return intelmqapi.LoggedOut()
	}
	c.refuse(refusal)
	return intelmqapi.Refused(refusal.Status, refusal.Message, refusal.Wait)
}
