package caddyauth_test

import (
	_ "github.com/sallyport/sallyport/caddyauth"
	"net/http"
	"testing"

	"github.com/sallyport/sallyport/internal/caddyrun"
)

func TestSmoke(t *testing.T) {
	s := caddyrun.Start(t, `{
	caddyauth {
		store sqlite {$DIR}/auth.db
	}
}
http://:0 {
	token_auth
	respond "welcome {http.auth.user.id}"
}`)
	r := s.Get(t, "/")
	if r.StatusCode != http.StatusUnauthorized {
		t.Fatal(r.StatusCode, r.Text)
	}
	t.Log(r.Header, r.Text, s.Log(t))
}
