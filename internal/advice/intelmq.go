package advice

// intelmq is what only intelmq says.
var intelmq = []Row{
	{
		"200", "file_not_allowed",
		"`config` was asked for a file that is not below `allowed_path`.",
		"Add the folder to `allowed_path`, if callers may read it.",
	},
	{
		"400", "body_not_read",
		"The body did not come whole, or too slowly.",
		"Send the whole body, and without long pauses.",
	},
	{
		"403", "insufficient_scope",
		"The credential lacks `read` or `write`.",
		"Issue a key with the wanted scope by `caddy auth key issue <user>/<name> --scope <scopes>`.",
	},
	{
		"403", "cross_origin",
		"A page of another site has made a browser ask for a change or a log-in, or a link has: see Pages of other sites.",
		"Add the page's origin to `allow_origins`, if it is yours. Programs send an `Authorization` header.",
	},
	{
		"403, 500", "file_not_readable",
		"Caddy's user cannot read a file of a bot.",
		"Run `caddy intelmq check`, and `caddy intelmq setup`, which gives Caddy's user the rights.",
	},
	{
		"412", "changed_meanwhile",
		"Somebody else has saved since.",
		"Load the configuration again, make the change to it and save that.",
	},
	{
		"413", "body_too_large",
		"More than `max_body`.",
		"Send less at once, or raise `max_body`.",
	},
	{
		"422", "bad_argument",
		"An argument or the body; the answer says which.",
		"Mend what the answer names.",
	},
	{
		"500", "configuration_not_readable",
		"A file of the configuration is missing or broken.",
		"Run `caddy intelmq check`, which says what is wrong with the files.",
	},
	{
		"500", "not_saved",
		"A file of the configuration cannot be written: the answer says why.",
		"Run `caddy intelmq check`: rights, or room on the disk, may be missing.",
	},
	{
		"500", "intelmqctl_failed",
		"intelmqctl says that it has not worked.",
		"Run the same command of intelmqctl by hand, as the user of IntelMQ: it prints why.",
	},
	{
		"500", "intelmqctl_not_executable",
		"There is no such command, or it must not be executed.",
		"Mend `command` in the block of `intelmq`; `caddy intelmq check` tries it.",
	},
	{
		"500", "intelmqctl_output_too_long",
		"It has printed more than 16 MiB.",
		"Ask for less: fewer lines of a log, or one bot at a time.",
	},
	{
		"500", "internal",
		"Something else has gone wrong; `reason` in the log has it.",
		"Read the line `request refused` with this error id in the server's log.",
	},
	{
		"500", "panic",
		"A mistake in the program; the log has the stack. Report it.",
		"Report it, with the lines of the log that have this error id.",
	},
	{
		"503", "too_much_at_once",
		"Large requests and answers that are on their way have all the memory there is for them, 256 MiB, or the caller's quarter.",
		"Ask again after a while; let clients ask less at once.",
	},
	{
		"503", "intelmqctl_busy",
		"Too many calls wait: `max_waiting`.",
		"Ask again after a while, let clients ask less at once, or raise `max_waiting`.",
	},
	{
		"503", "intelmqctl_locked",
		"Another process changes the botnet, or the folder of the configuration cannot be locked.",
		"Wait for the other process. Where there is none, `caddy intelmq check` says what is wrong with the folder.",
	},
	{
		"503", "intelmqctl_stuck",
		"A call that was told to end still runs: see What is stuck.",
		"End the process that docs/intelmq.md describes, and find out what it waits for.",
	},
	{
		"503", "intelmqctl_gone",
		"The client did not wait for the answer, or the server ends.",
		"Raise the client's own limit of time, if the answer was wanted.",
	},
	{
		"504", "intelmqctl_timed_out",
		"It took longer than `timeout`, `change_timeout` or `run_timeout`.",
		"Raise the limit that the cause names, or look why intelmqctl is slow on this machine.",
	},
}
