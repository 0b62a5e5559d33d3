package advice

// cce is what only cce says.
var cce = []Row{
	{
		"400", "bad_request",
		"The body is not one JSON object with a `cmd`, or the command or a parameter of it cannot be said to cced.",
		"Compare the body with docs/cce.md: the answer says what is wrong.",
	},
	{
		"400", "body_not_read",
		"The body did not come whole within 30 seconds.",
		"Send the whole body within 30 seconds.",
	},
	{
		"400", "two_tokens",
		"`token` and `Authorization` hold different tokens.",
		"Send the token in one place only.",
	},
	{
		"400", "bad_regexp",
		"cced has closed the connection over a regular expression.",
		"Write the regular expression otherwise: docs/cce.md has what is understood.",
	},
	{
		"400", "bad_parameters",
		"A command that was taken cannot be said to cced after all.",
		"Mend the parameters: no name or value of a command may hold what cced takes for the end of it.",
	},
	{
		"401", "not_logged_in",
		"A wrong password; a session or token that does not exist, has ended, or was issued to another entry; or none.",
		"Log in again, with the name and password of cced. A token works only from an address of the entry that has got it, and for `token_lifetime`.",
	},
	{
		"401", "malformed_secret",
		"Two client secrets, an empty one, or a very long one.",
		"Send one client secret.",
	},
	{
		"401", "none",
		"No client secret.",
		"Send the client secret of the entry, or a credential of `caddyauth`. `caddy cce secret list` shows the entries.",
	},
	{
		"401", "wrong_client_secret",
		"Another secret than that of the smallest listed network with the address: look into the file for a smaller one that was not meant.",
		"Put the right secret into the client; `caddy cce secret rotate <entry>` gives an entry a new one.",
	},
	{
		"401", "no_client_secret",
		"The file has no line for the entry. A reload adds one.",
		"Run `caddy reload`, or `caddy cce secret rotate <entry>`.",
	},
	{
		"403", "address_not_listed",
		"The address is in no entry of `api_access`, and no credential of `caddyauth` was sent. Behind a proxy, look at `client_ip` in the access log first.",
		"Add the address that is shown here to `api_access`, or send a key of `caddyauth`. If it is that of a proxy, set `trusted_proxies` and `trusted_proxies_strict`.",
	},
	{
		"403", "beyond_limits",
		"The caller's line of `principal`, his scopes, `classes` or `masked` do not allow the command. Which of them is in the debug log, as `command denied`.",
		"Allow it in `principal`, `classes` or `masked` of the `cce`, or use a credential with the scope. The line `command denied` at the level DEBUG says which of them it was.",
	},
	{
		"403", "no_rule",
		"The credential is good, but no line of `principal` is for it.",
		"Add a line `principal` for the caller to the `cce`.",
	},
	{
		"403", "session_from_elsewhere",
		"AUTH, AUTHKEY or a session id from a listed address.",
		"Use LOGIN and its token, or PHP's session on the machine itself.",
	},
	{
		"403", "session_of_a_guest",
		"A session, a token or LOGIN beside a credential of `caddyauth`.",
		"Send either the credential of `caddyauth`, or a session or token of cced, not both.",
	},
	{
		"403", "plain_http",
		"LOGIN without TLS.",
		"Use HTTPS for LOGIN.",
	},
	{
		"413", "body_too_large",
		"The body is longer than `max_body`.",
		"Send less at once, or raise `max_body`.",
	},
	{
		"429", "too_many_failures",
		"The name, or the address, had too many wrong passwords.",
		"Wait, and log in with the right password; `auth_failures` sets the limit.",
	},
	{
		"429", "too_many_attempts",
		"The address had too many wrong client secrets.",
		"Put the right client secret into the client, and wait; `auth_failures` sets the limit.",
	},
	{
		"500", "internal",
		"A mistake in the program, or one that nobody has thought of; the line `request not carried out` has it.",
		"Read the line `request not carried out` with this error id in the server's log.",
	},
	{
		"500", "panic",
		"A mistake in the program; the log has the stack. Report it.",
		"Report it, with the lines of the log that have this error id.",
	},
	{
		"502", "unreachable",
		"cced does not listen at its socket, Caddy may not open it, or cced has closed the connection.",
		"Look whether cced runs, whether `socket` names its socket, and whether Caddy's user may open it.",
	},
	{
		"502", "nonsense",
		"cced's reply is too long, or is not understood.",
		"Look at the log of cced: it may be ill, or another program listens at `socket`.",
	},
	{
		"502, 504", "unknown_outcome",
		"The answer to a change did not come.",
		"Read the object to see whether the change was made, before it is asked for again.",
	},
	{
		"503", "no_account",
		"LOGIN, but there is no `api_password_file`.",
		"Write `api_password_file` into the `cce`, or use another way in than LOGIN.",
	},
	{
		"503", "account_not_logged_in",
		"cced does not accept the password of the account. `caddy cce account rotate` gives it a new one.",
		"Run `caddy cce account rotate`.",
	},
	{
		"503", "no_password",
		"With `account_` before it: the files of its password cannot be read, or not decrypted. The line `request not carried out` says why.",
		"Mend the files of the account, as the line `request not carried out` says; or run `caddy cce account rotate`.",
	},
	{
		"502, 503, 504", "account_…",
		"The account behind LOGIN could not log in.",
		"It was the log-in of the account that failed, and the same is to be done.",
	},
	{
		"503", "busy",
		"No connection to cced was free for five seconds.",
		"Raise `max_connections`, or let clients ask less at once. Look whether cced is slow.",
	},
	{
		"503", "not_loaded",
		"The access file had not been read five seconds after the start.",
		"See what the server's log says about `access_file`, and mend that.",
	},
	{
		"504", "deadline",
		"cced took longer than `timeout`.",
		"Look why cced is slow, or raise `timeout`.",
	},
	{
		"504", "client_gone",
		"The client did not wait for the answer.",
		"Raise the client's own limit of time, if the answer was wanted.",
	},
}
