package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// line is a command for the reader's terminal, and what it must say. The lines
// that are shown and the lines that are checked are the same ones.
type line struct {
	// note tells the reader what to expect.
	note    string
	command string
	// status is the HTTP status, if the command makes a request.
	status int
	// output is a regular expression for the whole of what else it writes.
	output string
}

// text is the line as it is shown.
func (l *line) text() string {
	switch {
	case l.note == "":
		return l.command
	case l.status != 0:
		return fmt.Sprintf("# %s: HTTP %d\n%s", l.note, l.status, l.command)
	}
	return "# " + l.note + "\n" + l.command
}

// script is the demo's tour.
func script(here string, port int, proxy bool) []line {
	curl := `curl -sS -w 'HTTP %{http_code}\n' --cacert ` + rootFile
	if proxy {
		curl += " --noproxy localhost"
	}
	get := func(path, more string) string { return curl + more + " " + siteURL(port, path) }
	reports := func(more string) string { return get("/reports/today", more) }
	const (
		first, second = " -H @" + firstHeader, " -H @" + secondHeader
		session       = " -b " + cookieFile
		auth          = "./" + caddyBinary + " auth --config " + configFile
		// Caddy may log how it has read the configuration.
		server = `(?:\{"level":"(?:info|warn)".*\}\n)*store sqlite:\S.* \(through the server at unix/\.demo/admin\.sock\)\n`
	)
	hello := greeting("demo")
	return append([]line{
		{command: "cd " + quote(here)},
		{"The welcome page is open to all", get("/", ""), 200, `Welcome\. The reports are at /reports/ and need a key or a session\.\n`},
		{"Without a key the reports are refused", reports(""), 401, refusal("credential_missing", "this needs a credential")},
		{"With the key (curl reads it from a file, where no other user sees it) they are not", reports(first), 200, hello},
		{"Nobody can pose as another user", reports(first + " -H 'X-User: root'"), 200, hello},
		{
			"Make a second key, straight into a header file that only you can read.",
			"(umask 077; { printf 'X-Api-Key: '; " + auth + " key issue demo/second; } >" + secondHeader + ")", 0,
			server + `key demo/second issued: id [0-9A-Za-z]{12}, scopes read, never expires\n`,
		},
		{"It works at once", reports(second), 200, hello},
		{"Revoke it.", auth + " key revoke demo/second", 0, server + `key demo/second revoked\n`},
		{"It is refused at once", reports(second), 401, refusal("invalid_token", "the credential is not accepted")},
		{"The first key still works", reports(first), 200, hello},
		{
			"Another user lets the first one act as her, by a key that is good for nothing else.",
			"(umask 077; { printf 'X-Impersonating: Basic '; { printf 'visitor:support:'; " + auth + " key issue visitor/support --agent demo; } | tr -d '\\n' | base64 -w 0; } >" + actingHeader + ")", 0,
			server + `key visitor/support issued: id [0-9A-Za-z]{12}, scopes read, never expires\n`,
		},
		{"With that key beside the own one the application sees her", reports(first + " -H @" + actingHeader), 200, greeting("visitor")},
		{
			"The audit trail has both names.", auth + " audit list --last 1", 0,
			server + `TIME +ACTOR +KIND +WHAT\n\S+ +user:demo on behalf of user:visitor +impersonation\.begin +visitor by demo from (?:127\.0\.0\.1|::1)\n`,
		},
		{
			"Log in by password, from a file again. What is answered goes to a file as well; the session goes into a cookie jar",
			"(umask 077; " + get("/api/v1/auth/login", " -c "+cookieFile+" --json @"+loginFile+" -o "+loginAnswer) + ")", 200, "",
		},
		{"Who am I? The session tells", get("/api/v1/user/whoami", session), 200, envelope(200, `\{.*"username":"demo".*\}`, "")},
		{"It opens the reports, too", reports(session), 200, hello},
		{
			"A page sends the second cookie back in a header, which no page of another site can.",
			"(umask 077; sed -n 's/.*XSRF-TOKEN\t/X-XSRF-TOKEN: /p' " + cookieFile + " >" + xsrfHeader + ")", 0, "",
		},
		{
			"Log out. A program that uses a cookie must say where it comes from, as browsers do",
			get("/api/v1/auth/logout", session+" -X POST -H @"+xsrfHeader+" -H 'Origin: "+siteURL(port, "")+"'"), 200, envelope(200, `\{"success":true\}`, ""),
		},
		{"The session has ended at once, for whoever has a copy", reports(session), 401, refusal("invalid_token", "the credential is not accepted")},
		{"The address gate: this machine is listed, but a secret is missing", get("/office/", ""), 401, refusal("credential_missing", "this needs a credential")},
		{
			"The start has made a secret for each line of the list. Take that of this machine.",
			"(umask 077; sed -n 's/^127.0.0.1:/X-Client-Secret: /p' " + accessFile + " >" + officeHeader + ")", 0, "",
		},
		{"With it the request passes", get("/office/", " -4 -H @"+officeHeader), 200, `Hello, client:127\.0\.0\.1\.\n`},
		{"Where this machine is not listed no secret helps", get("/branch/", " -4 -H @"+officeHeader), 403, refusal("address_not_allowed", "this address is not allowed")},
	}, slices.Concat(providerScript(reports, auth, server), cceScript(get), intelmqScript(get))...)
}

// envelope matches an answer of auth_api.
func envelope(status int, response, message string) string {
	return fmt.Sprintf(`\{"api_response":%s,"api_error_message":"%s","api_warning":\[\],"api_server_version":"[^"]*","api_status_code":%d\}\n`,
		response, message, status)
}

// refusal matches the gate's answer to a request that does not pass.
func refusal(code, message string) string {
	return `\{"error":"` + code + `","message":"` + message + `","error_id":"[0-9A-Za-z]{12}"\}\n`
}

func siteURL(port int, path string) string {
	return fmt.Sprintf("https://localhost:%d%s", port, path)
}

// quote makes one word for the shell of any text.
func quote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// behindProxy reports whether curl would be told to go through a proxy, which
// could not reach this machine's localhost.
func behindProxy() bool {
	for _, name := range []string{"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"} {
		if os.Getenv(name) != "" {
			return true
		}
	}
	return false
}
