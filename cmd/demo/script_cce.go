package main

// cceScript is the part of the tour about CCE. get makes a line of curl from a
// path and flags.
func cceScript(get func(path, more string) string) []line {
	post := func(more string) string { return get("/v2/cce", " --json @-"+more) }
	// local is a request of a program on this machine. printf is a part of the
	// shell, so that nobody sees what it is given.
	local := func(fields string) string {
		return `printf '{` + fields + `, %s}' "$(cat ` + cceSession + `)" | ` + post("")
	}
	// A request that has come through a proxy is none of this machine.
	const elsewhere = " -4 -H 'X-Forwarded-For: 192.0.2.10' -H @" + officeHeader
	remote := func(command, more string) string {
		return `echo '{"cmd": "` + command + `"}' | ` + post(elsewhere+more)
	}
	const good = `\{"status":201,"message":"GOODBYE"`
	return []line{
		{
			"CCE: a program on this machine logs in, from a file",
			"(umask 077; " + get("/v2/cce", " --json @"+cceLogin+" -o "+cceAnswer) + ")", 200, "",
		},
		{
			"Keep what it says of itself from now on.",
			`(umask 077; sed 's/.*"sessionid":"\([^"]*\)".*/"user": "admin", "sessionid": "\1"/' ` + cceAnswer + " >" + cceSession + ")", 0, "",
		},
		{"A command asks for object 6", local(`"cmd": "GET", "oid": "6"`), 200, good + `,"data":\{"DATA":\{.*"fqdn":"t1\.smd\.example",.*\}\}\}\n`},
		{"A transaction", local(`"cmd": "BEGIN"`), 200, `\{"status":201,"message":"BEGIN OK"\}\n`},
		{"The first change waits", local(`"cmd": "SET", "oid": "6", "data": {"maxusers": 50}`), 200, `\{"status":100,"message":"QUEUED"\}\n`},
		{"The second one is wrong", local(`"cmd": "SET", "oid": "6", "data": {"ipaddr": "no address"}`), 200, `\{"status":100,"message":"QUEUED"\}\n`},
		{"So nothing is stored, and each command has its result", local(`"cmd": "COMMIT"`), 409, `\{"status":409,.*BAD DATA 6 ipaddr .*"rolled_back":true\}\}\n`},
		{
			"A program elsewhere sends the secret of its address, and gets a token. The header makes this one come from elsewhere",
			"(umask 077; " + remote("LOGIN", " -o "+tokenAnswer) + ")", 200, "",
		},
		{
			"Take the token.",
			`(umask 077; sed 's/.*"token":"\([^"]*\)".*/Authorization: Bearer \1/' ` + tokenAnswer + " >" + tokenHeader + ")", 0, "",
		},
		{"With both it may do what the account can", remote("FIND Vsite", " -H @"+tokenHeader), 200, good + `,"data":\{"oidlist":\["6","7","8"\]\}\}\n`},
		{"BYE ends the token", remote("BYE", " -H @"+tokenHeader), 200, good + `\}\n`},
		{"Nobody can use it any more", remote("FIND Vsite", " -H @"+tokenHeader), 401, `\{"status":401,.*\}\n`},
	}
}
