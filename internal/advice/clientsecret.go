package advice

// clientSecret is what client_secret says.
var clientSecret = []Row{
	{
		"400", "malformed",
		"Two secrets, an empty one, or one of more than 8 KiB.",
		"Send one secret, in the header that `header` names.",
	},
	{
		"401", "none",
		"No client secret.",
		"Send the secret of the entry in the header that `header` names, by default `X-Client-Secret`.",
	},
	{
		"401", "wrong_client_secret",
		"Another secret than that of the smallest listed network with the address: look into the file for a smaller one that was not meant.",
		"Put the right secret into the client; `caddy auth client-secret list` shows the entries, and `caddy auth client-secret rotate <entry>` gives one a new secret.",
	},
	{
		"401", "no_client_secret",
		"The file has no line for the entry. A reload adds one.",
		"Run `caddy reload`, or `caddy auth client-secret rotate <entry>`.",
	},
	{
		"403", "not_listed",
		"The client's address is in no entry of `allow`. Behind a proxy, look at `client_ip` in the access log first.",
		"Add the address that is shown here to `allow`. If it is that of a proxy, set `trusted_proxies` and `trusted_proxies_strict`.",
	},
	{
		"429", "too_many_attempts",
		"The limit of `failures` was reached by the address.",
		"Put the right secret into the client, and wait for `Retry-After` seconds; `failures` sets the limit.",
	},
	{
		"503", "not_loaded",
		"The file had not been read five seconds after the start.",
		"See what the server's log says about `secrets_file`, and mend that.",
	},
}
