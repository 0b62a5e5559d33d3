package main

// providerScript is the part of the tour that shows another provider's users. server is
// what `caddy auth` says about the store.
func providerScript(reports func(more string) string, auth, server string) []line {
	staff := reports(" -H @" + staffHeader)
	return []line{
		{"Another server says who somebody is. With its token jane comes in, and gets an account", staff, 200, greeting("jane")},
		{
			"What a token must be, and what it means here, rule by rule.",
			auth + " provider test staff <" + staffToken, 0,
			`(?:ok +(?:discovery|keys|token_\w+|scopes|roles|groups)\b.*\n)+ok +account +user 'jane'\n`,
		},
		{"End all that she has.", auth + " session revoke --user jane", 0, server + `0 sessions ended; tokens of other providers that were issued until now are refused\n`},
		{"Her token is refused at once, though the provider knows nothing of it", staff, 401, refusal("invalid_token", "the credential is not accepted")},
	}
}
