package main

// intelmqScript is the part of the tour about IntelMQ. get makes a line of curl from
// a path and flags.
func intelmqScript(get func(path, more string) string) []line {
	const (
		token    = " -H @" + intelmqHeader
		inParser = `"csv-parser": "`
	)
	// query asks for a route with arguments, by which curl makes a URL.
	query := func(route, more string) string { return get("/intelmq/v1/api/"+route, token+" -G"+more) }
	bot := func(action string) string { return query("bot", " -d action="+action+" -d id=csv-parser") }
	runtime := func(more string) string { return get("/intelmq/v1/api/runtime", token+more) }
	save := runtime(" -H \"If-Match: $(cat " + runtimeTag + ")\" --json @" + runtimeChanged)
	return []line{
		{
			"IntelMQ: without a log-in nothing is told",
			get("/intelmq/v1/api/botnet", " -G -d action=status"), 401,
			`\{"error":\{"Authentication Required":"Please provide valid Token verification credentials"\}\}`,
		},
		{
			"Log in, from a file again, as the page of intelmq-manager does",
			"(umask 077; " + get("/intelmq/v1/api/login", " -d @"+intelmqLogin+" -o "+intelmqAnswer) + ")", 200, "",
		},
		{
			"Take the token.",
			`(umask 077; sed 's/.*"login_token":"\([^"]*\)".*/Authorization: \1/' ` + intelmqAnswer + " >" + intelmqHeader + ")", 0, "",
		},
		{"With it the bots can be seen", query("botnet", " -d action=status"), 200, `\{\n(?s:.*)` + inParser + `stopped",\n(?s:.*)\}\n`},
		{"Start them. One is disabled, and stays as it is", query("botnet", " -d action=start"), 200, `\{\n(?s:.*)"disabled",\n(?s:.*)` + inParser + `running",\n(?s:.*)\}\n`},
		{"Stop one", bot("stop"), 200, `"stopped"\n`},
		{"Its status is asked afresh", bot("status"), 200, `"stopped"\n`},
		{"Start it again", bot("start"), 200, `"running"\n`},
		{
			"Its log tells both",
			query("getlog", " -d id=csv-parser -d lines=5 -d level=INFO"), 200,
			`\[\n(?s:.*)"message": "Bot stopped\."(?s:.*)"message": "Bot initialization completed\."(?s:.*)\n\]\n`,
		},
		{
			"Read the configuration of the bots, and the ETag of what was read",
			"(umask 077; " + runtime(" -o "+runtimeFile+" --etag-save "+runtimeTag) + ")", 200, "",
		},
		{"Change it: the collector shall wait longer.", `(umask 077; sed 's/"rate_limit":300/"rate_limit":600/' ` + runtimeFile + " >" + runtimeChanged + ")", 0, ""},
		{"Save it, if nobody else has done so since", save, 200, "success"},
		{"Once more: now somebody has, and his work is not lost", save, 412, ".*"},
		{"Read it back", runtime(" -o " + runtimeFile), 200, ""},
		{"It is what was saved.", `grep -o '"rate_limit":600' ` + runtimeFile, 0, `"rate_limit":600\n`},
		{"The collector reads it", query("bot", " -d action=reload -d id=file-collector"), 200, `"running"\n`},
		{"Log out", get("/intelmq/v1/api/logout", token+" -X POST"), 200, ".*"},
		{"Nobody can use the token any more", bot("stop"), 401, ".*"},
	}
}
