package intelmqsetup

import "slices"

// Severity is how bad a finding is.
type Severity string

// The severities.
const (
	// Broken: something does not work.
	Broken Severity = "error"
	// Doubtful: it works, but less well or less safely.
	Doubtful Severity = "warning"
)

// The ids of findings. They stay the same, so that programs can tell them apart.
const (
	CommandMissing       = "command_missing"
	CommandNotExecutable = "command_not_executable"
	SudoMissing          = "sudo_missing"
	SudoRefused          = "sudo_refused"
	NoNewPrivileges      = "no_new_privileges"
	UserMissing          = "user_missing"
	OtherUser            = "other_user"
	PermissionDenied     = "permission_denied"
	SELinuxDenied        = "selinux_denied"
	CommandSlow          = "intelmqctl_slow"
	CommandFailed        = "intelmqctl_failed"
	CommandStuck         = "intelmqctl_stuck"
	BrokerDown           = "broker_down"
	BotnetError          = "botnet_error"
	RuntimeMissing       = "runtime_missing"
	RuntimeBroken        = "runtime_broken"
	RuntimeUnreadable    = "runtime_unreadable"
	RuntimeNotWritable   = "runtime_not_writable"
	ConfigDirNotWritable = "config_dir_not_writable"
	PositionsNotWritable = "positions_not_writable"
	ReadOnly             = "read_only"
	NotInGroup           = "not_in_group"
	RestartNeeded        = "restart_needed"
	AllowedPathMissing   = "allowed_path_missing"
	AllowedPathClosed    = "allowed_path_closed"
	StoreUnusable        = "store_unusable"
	NoUsers              = "no_users"
	KillMode             = "kill_mode"
)

// Finding is something that is wrong.
type Finding struct {
	// ID is one of the constants. Of BotnetError there may be several.
	ID       string   `json:"id"`
	Severity Severity `json:"severity"`
	// Text says what is wrong, Do what to do about it.
	Text string `json:"text"`
	Do   string `json:"do"`
}

// findings are what a check has found so far.
type findings []Finding

// broken and doubtful add a finding. The same cause can show in several places, and
// is told once.
func (f *findings) broken(id, text, do string)   { f.add(Finding{id, Broken, text, do}) }
func (f *findings) doubtful(id, text, do string) { f.add(Finding{id, Doubtful, text, do}) }

func (f *findings) add(found Finding) {
	if found.ID != BotnetError && f.has(found.ID) {
		return
	}
	*f = append(*f, found)
}

func (f *findings) has(ids ...string) bool {
	return slices.ContainsFunc(*f, func(found Finding) bool { return slices.Contains(ids, found.ID) })
}
