package main

import (
	"crypto/rand"
	"fmt"
	"maps"
	"os"
	"strings"

	"github.com/sallyport/sallyport/internal/fake/cced"
)

const (
	ccedSocket = folder + "/cced.sock"
	// apiPassword is the password of CCE's administrator, for programs elsewhere;
	// cceLogin is a request with it, cceAnswer what is answered to that.
	apiPassword = folder + "/api.pass"
	cceLogin    = folder + "/cce.login"
	cceAnswer   = folder + "/cce.answer"
	// cceSession has the fields that say who asks, tokenAnswer and tokenHeader are
	// of a program elsewhere.
	cceSession  = folder + "/cce.session"
	tokenAnswer = folder + "/cce.token"
	tokenHeader = folder + "/cce.header"
)

// makeAdministrator writes a password for CCE's administrator into the files that
// need it.
func makeAdministrator() error {
	password := rand.Text()
	if err := os.WriteFile(apiPassword, []byte(password+"\n"), 0o600); err != nil {
		return err
	}
	login := fmt.Sprintf(`{"cmd": "AUTH", "user": "admin", "password": "%s"}`, password)
	return os.WriteFile(cceLogin, []byte(login+"\n"), 0o600)
}

// startCCED runs the stand-in for the CCE daemon. The function it returns ends
// it.
func startCCED() (stop func(), err error) {
	password, err := os.ReadFile(apiPassword)
	if err != nil {
		return nil, err
	}
	accounts := maps.Clone(cced.DefaultPasswords)
	accounts["admin"] = strings.TrimSpace(string(password))
	daemon, err := cced.New(cced.Config{Socket: ccedSocket, Passwords: accounts})
	if err == nil {
		err = daemon.Restart()
	}
	if err != nil {
		return nil, fmt.Errorf("stand-in for cced: %w", err)
	}
	return daemon.Stop, nil
}
