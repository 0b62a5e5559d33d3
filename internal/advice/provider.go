package advice

// provider is what gates and endpoints say of tokens of other providers, and auth_api of
// log-ins by them.
var provider = []Row{
	{
		"401", "token_size",
		"The token has more than 8 KiB.",
		"Have the provider put less into its access tokens: groups take most of the room. Roles of the application can stand in for them.",
	},
	{
		"401", "token_form",
		"The token has not three parts in base64url without padding, or could be written in another way.",
		"Compare what the client sends with what the provider gave out: no part of it may be missing, and nothing be added. An encrypted token has five parts, and an opaque one has none: have the provider give out signed JWTs.",
	},
	{
		"401", "token_json",
		"Header or payload are no JSON object, or have a name twice, be it in another case.",
		"Have the provider's mappers checked: two of them may write the same claim.",
	},
	{
		"401", "token_issuer",
		"No provider has the issuer of the token, byte for byte.",
		"Compare `iss` of the token with `issuer` of the provider: a slash at the end counts. `caddy auth provider test <name>` shows both for a token on its standard input.",
	},
	{
		"401", "token_type",
		"The header's `typ` is that of another kind of token.",
		"Send the access token, and neither the ID token nor a notice of a log-out.",
	},
	{
		"401", "token_critical",
		"The header has `crit`, `b64` or `zip`, which change how a token is to be read.",
		"Have the provider give out tokens without them.",
	},
	{
		"401", "token_algorithm",
		"`alg` of the header is not among `algorithms` of the provider.",
		"Add it to `algorithms` if the provider is to sign by it. `none` cannot be added, and one of `HS256`, `HS384` and `HS512` only for a provider with a `secret`.",
	},
	{
		"401", "token_key",
		"The provider has no key that `kid` names and that is for signatures by `alg`.",
		"Where the provider has changed its keys wait up to five minutes: so often are unknown ones looked for. Else `caddy auth provider test <name>` shows which keys there are; the token may be of another realm or tenant.",
	},
	{
		"401", "token_signature",
		"The signature is not one by the key that `kid` names.",
		"Get a new token. Where that does not help somebody has changed it on the way, or made it up: look at the address that is shown here.",
	},
	{
		"401", "token_times",
		"`exp` is missing, or `exp`, `nbf` or `iat` is no time.",
		"Have the provider give out tokens that end.",
	},
	{
		"401", "token_expired",
		"The token has expired.",
		"Let the client get a new one before the old one ends, by its refresh token or a new log-in. Where new ones are refused too, look at the clocks of both machines.",
	},
	{
		"401", "token_lifetime",
		"The token lasts longer than `max_age` of the provider.",
		"Have the provider give out tokens that last minutes or hours, or raise `max_age`.",
	},
	{
		"401", "token_not_yet",
		"`nbf` is to come.",
		"Set the clocks of both machines; `leeway` of the provider is by how much they may differ.",
	},
	{
		"401", "token_issued",
		"`iat` is to come.",
		"Set the clocks of both machines; `leeway` of the provider is by how much they may differ.",
	},
	{
		"401", "token_kind",
		"It is an ID token, a refresh token, a notice, or one that only the holder of another key may use.",
		"Send the access token, as a plain bearer token.",
	},
	{
		"401", "token_audience",
		"`aud` has none of `audience` of the provider: the token is for another service.",
		"Let the client ask for a token for this service. Where the provider calls it otherwise, write that name into `audience`.",
	},
	{
		"401", "token_subject",
		"`sub` is missing, or no text of 1 to 255 bytes.",
		"Have the provider put `sub` into its access tokens: without it nobody can tell whose they are.",
	},
	{
		"401", "token_id",
		"`jti`, `client_id` or `azp` is no text of 1 to 255 bytes; or one is missing that has to be there, for a `typ` of `at+jwt` or for `one_time`.",
		"Have the provider put them into its access tokens, or take `one_time` away.",
	},
	{
		"401", "token_nonce",
		"The ID token is not that of this log-in.",
		"Begin the log-in again. Where this comes back, the provider leaves the `nonce` out, or somebody sends codes that are not his.",
	},
	{
		"401", "token_claims",
		"The library for JWTs finds something wrong with the claims.",
		"Read the line `request refused` with this error id in the server's log, and compare with what `caddy auth provider test <name>` says of the token.",
	},
	{
		"403", "token_scope",
		"The token has not all of `required_scopes`.",
		"Let the client ask the provider for the scopes, or change `required_scopes`.",
	},
	{
		"403", "required_group",
		"The user is not in all of `required_groups` at the provider.",
		"Put the user into the groups at the provider, and let him log in again. Names count as the provider writes them: `caddy auth provider test <name>` shows what a token has.",
	},
	{
		"403", "no_account",
		"The token is good, and its user has no account here.",
		"Run `caddy auth provider link <user> <issuer> <subject>` with `iss` and `sub` of the token, or write `auto_create` into the provider.",
	},
	{
		"401", "unknown_identity",
		"The token is good, and its user has no account: the link was taken away a moment ago, or no account could be made from what the token says of him.",
		"Run `caddy auth provider link <user> <issuer> <subject>` with `iss` and `sub` of the token; or let `username_claim` name a claim that makes a name.",
	},
	{
		"401", "spent",
		"The token is good for one request, as `one_time` has it, and was used before.",
		"Let the client get a new token for each request, or take `one_time` away. If nobody has used it twice, somebody has copied it.",
	},
	{
		"503", "provider_unavailable",
		"The provider cannot be asked, and what is known of its keys does not tell whether the token is good. Known keys serve for 24 hours.",
		"Run `caddy auth provider test <name>`, which says why it cannot be asked: names, routes, certificates and `addresses` are what to look at.",
	},
	{
		"503", "provider_answer",
		"The provider answered a log-in in a way that is not understood.",
		"Read the line `request refused` with this error id in the server's log: it says what was wrong. Scopes, the kind of client and the provider's own log are what to look at.",
	},
	{
		"401", "provider_refused",
		"The provider said no: the user has given up, the code or refresh token is used up or too old, or the provider does not accept the client.",
		"Log in again. Where it happens to everybody, compare `client_id`, `client_secret`, `redirect_uri` and `scopes` with what the provider has; the line `request refused` in the server's log has its error.",
	},
	{
		"401", "id_token",
		"The ID token of a log-in is not accepted: it must be for the `client_id`, and of this log-in.",
		"Read the line `request refused` with this error id in the server's log, which has the rule that is not met.",
	},
	{
		"401", "log_in_not_begun",
		"Code and state belong to no log-in that was begun in this browser in the last ten minutes: it took longer, was ended before, a thousand others were begun since in that network, or the server was restarted. Or somebody has sent a user a link that should log him in as another.",
		"Log in again. Where it never works, look whether the page sends the cookie of the log-in with `code` and `state`, to the same host.",
	},
	{
		"401", "other_subject",
		"The access token that the provider gave out is of another user or provider than the ID token.",
		"Ask whoever runs the provider: the two must name the same user.",
	},
	{
		"400", "no_provider",
		"A log-in by a provider was asked for, and none has a `client_id`.",
		"Write a `provider` with `client_id` and `redirect_uri` into `caddyauth`, or log in by password.",
	},
	{
		"400", "unknown_provider",
		"No provider for log-ins has the name that was sent.",
		"Send one of the names that `oauth_providers` of `/v1/configs` lists.",
	},
}
