package oidcprovider

import (
	"html/template"
	"net/http"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// loginPath is where users log in.
const loginPath = "/login"

// mostForm is how many bytes the form may have.
const mostForm = 8 << 10

var page = template.Must(template.New("login").Parse(`<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>Log in</title>
<h1>Log in</h1>
{{with .Complaint}}<p role="alert">{{.}}</p>{{end}}
<form method="post" action="` + loginPath + `">
<input type="hidden" name="id" value="{{.ID}}">
<p><label>User <input name="user" autocomplete="username" autofocus></label></p>
<p><label>Password <input name="password" type="password" autocomplete="current-password"></label></p>
<p><button name="do" value="login">Log in</button> <button name="do" value="deny">Deny access</button></p>
</form>
</html>
`))

// pageContent is what the page shows.
type pageContent struct {
	ID, Complaint string
}

func (p *Provider) showPage(w http.ResponseWriter, r *http.Request) {
	if _, found := p.request(w, r); found {
		writePage(w, http.StatusOK, pageContent{ID: r.FormValue("id")})
	}
}

func (p *Provider) takePage(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	request, found := p.request(w, r)
	if !found {
		return
	}
	id := request.GetID()
	switch {
	case r.PostFormValue("do") == "deny":
		_ = p.storage.DeleteAuthRequest(r.Context(), id)
		op.AuthRequestError(w, r, request, oidc.ErrAccessDenied().WithDescription("The user denied access."), p.op)
	case p.storage.logIn(id, r.PostFormValue("user"), r.PostFormValue("password")):
		back := op.AuthCallbackURL(p.op)(op.ContextWithIssuer(r.Context(), p.issuer), id)
		http.Redirect(w, r, back, http.StatusSeeOther)
	default:
		writePage(w, http.StatusUnauthorized, pageContent{ID: id, Complaint: "User and password do not match."})
	}
}

// request is the log-in that a page is about. If there is none it answers so.
func (p *Provider) request(w http.ResponseWriter, r *http.Request) (request op.AuthRequest, found bool) {
	request, err := p.storage.AuthRequestByID(r.Context(), r.FormValue("id"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
	}
	return request, err == nil
}

func writePage(w http.ResponseWriter, status int, content pageContent) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// Whoever does not read on has gone.
	_ = page.Execute(w, content)
}
