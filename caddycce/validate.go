package caddycce

import (
	"errors"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/internal/cce"
	"github.com/sallyport/sallyport/internal/cscp"
	"github.com/sallyport/sallyport/internal/plugin/accesslist"
	"github.com/sallyport/sallyport/internal/plugin/grammar"
	"github.com/sallyport/sallyport/internal/principal"
)

// Bounds of what can be set. cced itself takes 1024 connections. A session of
// cced ends after an hour in which it was not used, and its token with it.
const (
	maxTokens        = 10_000
	maxConnections   = 1000
	maxTokenLifetime = 24 * time.Hour
	minBody          = 1 << 10
	minReply         = 64 << 10
)

// The values of Transactions and Scalars.
const (
	independent = "independent"
	arrays      = "arrays"
)

// Validate refuses settings that cannot be meant.
func (h *CCE) Validate() error {
	if err := h.check(); err != nil {
		return err
	}
	switch {
	case h.MasterKeyFile != "" && h.APIPasswordFile == "":
		return errors.New("master_key_file: there is no 'api_password_file' that it could open")
	case h.AccessFile != "" && len(h.APIAccess) == 0 && h.ImportConf == "":
		return errors.New("access_file: there is no 'api_access' that it could be for")
	case len(h.Principals) == 0 && (len(h.Classes) > 0 || len(h.Masked) > 0 || len(h.Accounts) > 0):
		return errors.New("'account', 'classes' and 'masked' are for those of 'principal', of which there is none")
	}
	return nil
}

// check checks what is there.
func (h *CCE) check() error {
	if err := grammar.CheckBase(h.Base); err != nil {
		return err
	}
	list := accesslist.Settings{
		Addresses: h.APIAccess, Failures: h.AuthFailures,
		Options: accesslist.OptionNames{Addresses: "api_access", SecretsFile: "access_file", Failures: "auth_failures"},
	}
	if err := list.Check(); err != nil {
		return err
	}
	if err := h.checkNumbers(); err != nil {
		return err
	}
	if h.Transactions != "" && h.Transactions != independent {
		return fmt.Errorf("transactions '%s' is unknown; there is independent", h.Transactions)
	}
	if h.Scalars != "" && h.Scalars != arrays {
		return fmt.Errorf("scalars '%s' is unknown; there is arrays", h.Scalars)
	}
	return h.checkPrincipals()
}

func (h *CCE) checkNumbers() error {
	for _, n := range []struct {
		option             string
		value, least, most int64
	}{
		{"token_lifetime", int64(h.TokenLifetime), int64(time.Second), int64(maxTokenLifetime)},
		{"timeout", int64(h.Timeout), int64(time.Second), int64(24 * time.Hour)},
		{"tokens_per_entry", int64(h.TokensPerEntry), 1, maxTokens},
		{"max_connections", int64(h.MaxConnections), 1, maxConnections},
		{"max_body", h.MaxBody, minBody, 1 << 30},
		{"max_reply", h.MaxReply, minReply, 1 << 30},
	} {
		if n.value == 0 || n.least <= n.value && n.value <= n.most {
			continue
		}
		least, most := fmt.Sprint(n.least), fmt.Sprint(n.most)
		if n.option == "token_lifetime" || n.option == "timeout" {
			least, most = time.Duration(n.least).String(), time.Duration(n.most).String()
		}
		return fmt.Errorf("%s: it is %s to %s", n.option, least, most)
	}
	return nil
}

func (h *CCE) checkPrincipals() error {
	if len(h.APIUser) > cscp.MaxUser {
		return fmt.Errorf("api_user: cced gives no session to names of more than %d bytes", cscp.MaxUser)
	}
	for _, a := range h.Accounts {
		if a.User == "" || len(a.User) > cscp.MaxUser || a.PasswordFile == "" {
			return fmt.Errorf("account: write a name of 1 to %d bytes and a password file", cscp.MaxUser)
		}
	}
	for _, p := range h.Principals {
		if (p.Scope == "") == (p.Role == "") || p.As == "" {
			return errors.New("principal: write 'scope <scope> as <account>' or 'role <role> as <account>'")
		}
		if p.Scope == "" {
			continue
		}
		if _, err := principal.ParseScopes([]string{p.Scope}); err != nil {
			return fmt.Errorf("principal: %w", err)
		}
	}
	limits := cce.Limits{Hide: h.Masked, Classes: h.Classes}
	return limits.Check()
}
