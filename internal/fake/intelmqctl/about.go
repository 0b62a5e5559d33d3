package intelmqctl

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

func (n *botnet) log(a arguments) (int, error) {
	lines, err := strconv.Atoi(strings.TrimSpace(a.or("number_of_lines", "10")))
	if err != nil {
		return 2, err
	}
	by, err := parseFilter(n.switches.or(logFilter, "present"))
	if err != nil {
		return 1, err
	}
	entries, err := n.root.readLog(a.values["bot_id"], a.or("log_level", "INFO"), lines, by, n.now())
	if err != nil {
		return 1, err
	}
	n.print(entries)
	return 0, nil
}

// check tells what it looks at, and what is wrong with it. What the real command says
// of the sample of the harmonization is said, too.
func (n *botnet) check(arguments) (int, error) {
	status, code := "success", 0
	var lines []any
	say := func(level, text string) { lines = append(lines, []any{level, text}) }
	say("info", "Reading configuration files.")
	say("info", "Checking runtime and pipeline configuration.")
	if n.switches.on(brokerDown) {
		say("error", "Could not connect to pipeline: redis.exceptions."+refused)
		status, code = "error", 1
	}
	say("info", "Checking harmonization configuration.")
	say("warning", "Harmonization needs an upgrade, call intelmqctl upgrade-config.")
	say("info", "Checking for bots.")
	if _, err := os.Stat(n.root.path("var/lib/state.json")); errors.Is(err, fs.ErrNotExist) {
		say("error", "No state file found. Please call 'intelmqctl upgrade-config'.")
	}
	n.print(object{{"status", status}, {"lines", lines}})
	return code, nil
}

func debugGrammar(*botnet) grammar {
	return grammar{
		command: Name + " debug",
		options: []option{{name: "--get-paths"}, {name: "--get-environment-variables"}},
	}
}

// debug prints the paths and the environment, or one of them.
func (n *botnet) debug(a arguments) (int, error) {
	all := len(a.values) == 0
	var o object
	if all || a.has("--get-paths") {
		o = append(o, member{"paths", n.paths()})
	}
	if all || a.has("--get-environment-variables") {
		o = append(o, member{"environment_variables", environment()})
	}
	n.print(o)
	return 0, nil
}

func (n *botnet) paths() object {
	return object{
		{"HARMONIZATION_CONF_FILE", n.root.path("etc/harmonization.conf")},
		{"RUNTIME_CONF_FILE", n.root.path("etc/runtime.yaml")},
		{"VAR_RUN_PATH", n.root.path("var/run") + "/"},
		{"STATE_FILE_PATH", n.root.path("var/lib/state.json")},
		{"DEFAULT_LOGGING_PATH", n.root.path("var/log") + "/"},
		{"__file__", n.program},
		{"CONFIG_DIR", n.root.path("etc") + "/"},
		{"ROOT_DIR", string(n.root)},
	}
}

func environment() object {
	var o object
	for _, name := range []string{"INTELMQ_ROOT_DIR", "INTELMQ_PATHS_NO_OPT", "INTELMQ_PATHS_OPT", "INTELMQ_MANAGER_CONTROLLER_CMD", "PATH"} {
		var value any
		if text, set := os.LookupEnv(name); set {
			value = text
		}
		o = append(o, member{name, value})
	}
	return o
}
