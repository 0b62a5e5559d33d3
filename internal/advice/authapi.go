package advice

// authAPI is what only auth_api says.
var authAPI = []Row{
	{
		"400", "malformed",
		"The body cannot be read, or a credential is in the query; or, in a log-in by a provider, a parameter is there twice.",
		"Send what docs/auth.md shows for the route: a JSON object or a form, with the credential in it or in a header, never in the URL. What a provider has sent the browser back with goes on as it is, each parameter once: `provider` is in the query already where `redirect_uri` has it.",
	},
	{
		"401", "malformed",
		"A log-in without a user, or with neither password nor key (`credential_missing`): not enough information.",
		"Send `user` and `password`, or `user` and `apikey`, or `Authorization: Basic`.",
	},
	{
		"400", "no_session",
		"A log-out with a key or a password, or with a provider's token that has no `jti`.",
		"Log out with the app token or the cookie of the log-in. A key is refused by `caddy auth key disable`.",
	},
	{
		"400", "weak_password",
		"The new password is refused by the policy.",
		"Choose a longer password that nobody else has; the answer says which rule it breaks.",
	},
	{
		"400", "name",
		"A new user has a name that is reserved, or another one in the body.",
		"Choose another name, and write the same one into the path and the body.",
	},
	{
		"400", "exists",
		"There is a user, or a key, of that name.",
		"Choose another name, or change what is there.",
	},
	{
		"400", "invalid",
		"A name, role, group or agent cannot be one; the text says which.",
		"Mend the value that the answer names.",
	},
	{
		"400", "key_refused",
		"A new key is not described as it must be, or its name is taken.",
		"Mend what the answer names; docs/auth.md has the fields of a new key. A name becomes free when its key is revoked.",
	},
	{
		"400", "body_not_read",
		"The body did not come whole, or too slowly.",
		"Ask again over a better connection, and send the whole body within 30 seconds.",
	},
	{
		"401", "ended",
		"The key was disabled or deleted while somebody logged in with it.",
		"Log in with another key; `caddy auth key list --revoked --user <user>` says what became of this one.",
	},
	{
		"403", "ended",
		"The user was disabled or deleted, or his link taken away, while he logged in by a provider.",
		"Run `caddy auth user show <user>`, and `caddy auth provider links --user <user>`, to see what became of him.",
	},
	{
		"403", "xsrf",
		"A change by the session's cookie came without the token of that session in `X-XSRF-TOKEN`.",
		"Send the value of the cookie `XSRF-TOKEN` in the header `X-XSRF-TOKEN`, or use an app token.",
	},
	{
		"403", "old_password_missing",
		"A new password of one's own was sent without the old one.",
		"Send the old password as well. Where it is lost, `caddy auth user passwd <user>` sets a new one.",
	},
	{
		"403", "more_scopes",
		"A new or rotated key would have scopes that the credential has not; or users are added, or given more, without all of them.",
		"Use a credential that has all the scopes which are to be given away, or have an administrator issue the key.",
	},
	{
		"403", "bound_key",
		"A key that ends, or is bound, asks for another key, or adds or gives more to a user.",
		"Use a log-in, or a key without end and limits; or have an administrator issue the key.",
	},
	{
		"403", "impersonated",
		"Somebody who acts as another user asks for what only that user may do himself: new passwords, keys and the like.",
		"Have the user do it himself, with a credential of his own and without `X-Impersonating`.",
	},
	{
		"403", "disabled_by_administrator",
		"An administrator has disabled the key, so its user cannot enable it.",
		"Run `caddy auth key enable <user>/<name>` if the key is to be accepted again.",
	},
	{
		"404, 405", "route",
		"There is no such path or method.",
		"Compare path and method with docs/auth.md; the base path of `auth_api` comes before them.",
	},
	{
		"404", "not_found",
		"There is no such key, session or user.",
		"List what there is by `caddy auth key list`, `caddy auth session list` or `caddy auth user list`.",
	},
	{
		"412", "version",
		"A user is not what `If-Match` names any more.",
		"Read the user again, and make the change to what is there now.",
	},
	{
		"413", "body_too_large",
		"The body has more than 64 KiB.",
		"Send less: no body of these routes needs as much.",
	},
	{
		"429", "quota",
		"As many requests of this user are being answered as `quota` or `caddy auth user edit --quota` allows.",
		"Let the program wait for its answers, or raise the number: `quota` in the block of `auth_api`, or `caddy auth user edit <user> --quota <number>`.",
	},
	{
		"429", "key_log_ins",
		"The key has logged in 60 times within a minute, and has to wait for another one. Its requests go on, and so do its tokens. Have the program keep its token.",
		"Have the program keep its token as long as it lives, or send the key itself with each request.",
	},
	{
		"500", "panic",
		"A mistake in the program; the log has the stack. Report it.",
		"Report it, with the lines of the log that have this error id.",
	},
}
