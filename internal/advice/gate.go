package advice

// gate is what token_auth says, and every endpoint that asks the caddyauth app who its caller is.
var gate = []Row{
	{
		"400", "malformed",
		"Two credentials, an empty or very long one, no blank after the scheme, or Basic that is no base64 of UTF-8; or `X-Impersonating` is so, or there are two of them.",
		"Send one credential, in one header, in a form that `token_auth` reads: `Authorization: Bearer <key>`, `X-Api-Key: <key>` or Basic. What the client was told says what is wrong.",
	},
	{
		"400", "no_session",
		"A log-out by a key or a password, or by a provider's token that has no `jti`.",
		"Nothing: a key and a password have no session. To end one, send the token of a log-in; to refuse a key, run `caddy auth key disable`. A provider's token without `jti` ends by `caddy auth session revoke --user <user>`.",
	},
	{
		"401", "none",
		"No credential.",
		"Let the client send a credential: `caddy auth key issue <user>/<name>` makes a key, and a gate that accepts `jwt` takes an access token of a provider. For a place that is open to everybody, write `optional` into the `token_auth`, or take it away.",
	},
	{
		"401", "unknown_scheme",
		"`Authorization` of a scheme other than Bearer and Basic.",
		"Let the client send Bearer or Basic. Digest and the like are not understood here.",
	},
	{
		"401", "not_accepted",
		"It is of a kind that is not listed by `accept`. Whether it is good was not looked at.",
		"Add the kind of credential to `accept` of this `token_auth`, or send one that is listed there.",
	},
	{
		"401", "malformed",
		"Not the form of a key or token, or a wrong checksum: mistyped, cut off, or the key of something else.",
		"Compare what the client has with what was issued: no part of it may be missing, and no quotation mark or line end be added. Where it is lost, `caddy auth key rotate <user>/<name>` gives the key a new secret.",
	},
	{
		"401", "unknown_token",
		"No token or session is like that: it has ended, by time, by log-out or with its key, or it is a guess.",
		"Log in again. Where this comes too often, make `session_lifetime` longer, or give the program a key by `caddy auth key issue`.",
	},
	{
		"401", "wrong_password",
		"There is no such user, or no such password, or the user is disabled; the log does not say which. A key that was mistyped in Basic is taken for a password, and counts as a wrong one; so does a key of howler that is not proven, while one of them waits for its first use.",
		"Log in with the right password; `caddy auth user passwd <user>` sets a new one, and `caddy auth user show <user>` says whether the user is disabled. Give programs keys.",
	},
	{
		"401", "unknown_key",
		"The form is right, but no key has that id: deleted with its user, or of another store. Or the user has no key of howler by that name.",
		"Compare the id in the key, which are the 12 letters behind its prefix, with `caddy auth key list --revoked`. Where it is not there, issue another one by `caddy auth key issue`.",
	},
	{
		"401", "wrong_secret",
		"The id is right, the rest is not: a key from before a rotation, or a guess.",
		"Put the newest secret into the client; `caddy auth key rotate <user>/<name>` makes one. If nobody knows the client, somebody guesses: look at its address.",
	},
	{
		"401", "wrong_user",
		"Basic with another user's name.",
		"Send the name of the key's user with it, or the key alone as Bearer. `caddy auth key show <id>` says whose it is.",
	},
	{
		"401", "wrong_name",
		"Basic with another key's name.",
		"Send the name that `caddy auth key list --user <user>` shows, or the key alone as Bearer.",
	},
	{
		"401", "revoked",
		"The key was revoked. Or a provider's token is refused, for one of three causes: it was revoked itself, by its `jti` or a log-out with it; it was issued before all sessions of its user were ended or he was disabled, or less than `leeway` after that; or that has happened, and the token does not say when it was issued.",
		"Issue another one by `caddy auth key issue <user>/<name>`: a revoked key is refused for ever. `caddy auth key show <id>` says why it was revoked. In place of a provider's token get a new one there, by a log-in a minute later; one without `iat` never counts again, so have the provider put it in.",
	},
	{
		"401", "key_disabled",
		"The key is disabled; `caddy auth key enable` accepts it again.",
		"Run `caddy auth key enable <user>/<name>` if it is to be accepted again.",
	},
	{
		"401, 403", "user_disabled",
		"The user is disabled; `caddy auth user enable` accepts the keys, and new tokens of providers, again.",
		"Run `caddy auth user enable <user>` if he is to be accepted again.",
	},
	{
		"401", "expired",
		"The key or token has expired, or the overlap after a rotation has ended.",
		"Give the client the newest secret, or issue another key by `caddy auth key issue <user>/<name> --expires <time>`; for a token, log in again.",
	},
	{
		"401", "idle",
		"The token was not used for too long.",
		"Log in again, or make the idle time of `session_lifetime` longer.",
	},
	{
		"401", "not_yet_valid",
		"It is too early for the key.",
		"Wait until the time that `caddy auth key show <user>/<name>` has as `not_before`; look at the clock of this machine if that has passed.",
	},
	{
		"401", "address",
		"The client's address is in none of the key's networks. Behind a proxy, look at `client_ip` in the access log first.",
		"Issue a key whose `--network` holds the address that is shown here. If this is the address of a proxy, set `trusted_proxies` and `trusted_proxies_strict`.",
	},
	{
		"401", "user_agent",
		"Another `User-Agent` than that of the key.",
		"Let the client send the `User-Agent` that `caddy auth key show <user>/<name>` shows, or issue a key without `--user-agent`.",
	},
	{
		"401", "audience",
		"The key is for another service than the `audience` of this `token_auth`.",
		"Write `audience` with one of the key's audiences into this `token_auth`, or issue a key with `--audience` of this one: `caddy auth key show <user>/<name>` shows them.",
	},
	{
		"401", "subject",
		"The key is not for this path.",
		"Ask for a path that is below one of the key's subjects, or issue a key whose `--subject` holds this one: `caddy auth key show <user>/<name>` shows them.",
	},
	{
		"401", "api_version",
		"The key is for another `api_version`.",
		"Write the key's version as `api_version` into this `token_auth`, or issue a key with `--api-version` of this one.",
	},
	{
		"401", "impersonation_key",
		"A key for impersonation as a credential, with the right secret. It belongs into `X-Impersonating`, beside a credential of the caller's own.",
		"Send this key in `X-Impersonating`, and an own credential in `Authorization`.",
	},
	{
		"401", "impersonation_…",
		"The key in `X-Impersonating` is not accepted.",
		"Mend the key in `X-Impersonating`, as follows.",
	},
	{
		"403", "not_agent",
		"The key in `X-Impersonating` is not for impersonation, or the caller is none of its agents.",
		"Have the user issue a key by `caddy auth key issue <user>/<name> --agent <caller>`, and send that one. `caddy auth key show <id>` shows the agents of a key.",
	},
	{
		"403", "cross_origin",
		"A change by cookie alone, from another site or from nobody who says where: credentials.",
		"Let programs send an `Authorization` header instead of the cookie. In a browser, call from a page of the same site.",
	},
	{
		"403", "plain_http",
		"A password without TLS from another machine, or through a proxy. Behind a proxy that ends TLS this is so by design, and `insecure_plain_http` accepts it.",
		"Use HTTPS. Behind a proxy that ends TLS, and only there, write `insecure_plain_http` into the block.",
	},
	{
		"403", "scope",
		"The credential has none of the scopes of `require scope`.",
		"Issue a key with one of the wanted scopes by `caddy auth key issue <user>/<name> --scope <scopes>`, or change `require scope`. For a provider's token map its names by `scope` of the provider.",
	},
	{
		"403", "role",
		"The user has none of the roles of `require role`.",
		"Give the user one of the wanted roles by `caddy auth user edit <user> --role <roles>`, or change `require role`. For a provider's token map its names by `role` of the provider.",
	},
	{
		"403", "group",
		"The user is in none of the groups of `require group`.",
		"Put the user into one of the wanted groups by `caddy auth user edit <user> --group <groups>`, or change `require group`. For a provider's token map its names by `group` of the provider.",
	},
	{
		"429", "locked",
		"The name had `login_failures` wrong passwords from that network; `caddy auth user unlock` forgets them. Keys that were mistyped in Basic are among them.",
		"Wait, or run `caddy auth user unlock <user>`. Then find the program that sends an old password, by the address that is shown here.",
	},
	{
		"429", "throttled",
		"The network had four times as many, of any names. It ends by itself: operations.md. With a provider: it has refused 20 refresh tokens from there within a minute; or, wherever from, 16 log-ins and refreshes wait for it.",
		"Wait: `caddy auth user unlock` does not help. Give programs keys, which go on meanwhile. If the address is that of a proxy, set `trusted_proxies`.",
	},
	{
		"429", "busy",
		"More passwords came at once than can be hashed in time.",
		"Ask again after `Retry-After` seconds. Give programs a key or a token in place of the password: these cost next to nothing.",
	},
	{
		"503", "not_fresh",
		"For a second the database could not be looked at: see the server's log.",
		"Look at the server's log, and run `caddy auth doctor`: the disk may be full, slow or gone.",
	},
	{
		"503", Sentence,
		"Something could not be found out or not be done, as the sentence says: the store was not loaded five seconds after the start, for instance.",
		"Do what the sentence says; `caddy auth doctor` looks for what is wrong with the store.",
	},
}
