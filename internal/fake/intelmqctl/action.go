package intelmqctl

import "slices"

// actOnBots is the grammar of what is done with a bot, a group or all.
func actOnBots(name string) func(*botnet) grammar {
	return func(n *botnet) grammar {
		return grammar{
			command:     Name + " " + name,
			options:     []option{{name: "--group", choices: groups, value: true}},
			positionals: []positional{{name: "bot_id", choices: n.ids(), optional: true}},
		}
	}
}

// chosen are the bots that are meant, and whether it is one by its name: then a status
// is printed, else an object.
func (n *botnet) chosen(a arguments) (bots []bot, one bool) {
	if id, one := a.values["bot_id"]; one {
		return []bot{n.bot(id)}, true
	}
	return n.group(a.values["--group"]), false
}

// show prints the status. The exit code is 1 if an enabled bot does not run.
func (n *botnet) show(a arguments) (int, error) {
	return n.each(a, func(bots ...bot) ([]string, error) { return n.statusOf(bots), nil }, running)
}

func (n *botnet) stop(a arguments) (int, error)   { return n.each(a, n.end, stopped) }
func (n *botnet) reload(a arguments) (int, error) { return n.each(a, n.renew, running) }

// each does something with bots and prints how they are then. The exit code is 0 if
// all are as they should be, or disabled.
func (n *botnet) each(a arguments, do func(...bot) ([]string, error), want string) (int, error) {
	bots, one := n.chosen(a)
	statuses, err := do(bots...)
	if err != nil {
		return 1, err
	}
	if one {
		n.print(statuses[0])
	} else {
		n.print(byBot(bots, statuses))
	}
	return exitCode(all(statuses, want)), nil
}

func byBot(bots []bot, statuses []string) object {
	var o object
	for i, b := range bots {
		o = append(o, member{b.ID, statuses[i]})
	}
	return o
}

func all(statuses []string, want string) bool {
	return !slices.ContainsFunc(statuses, func(s string) bool { return s != want && s != disabled })
}

func exitCode(good bool) int {
	if good {
		return 0
	}
	return 1
}

// start starts one bot, even a disabled one, or all enabled ones.
func (n *botnet) start(a arguments) (int, error) {
	bots, one := n.chosen(a)
	if !one {
		return n.startAll(bots)
	}
	statuses, err := n.launch(bots...)
	if err != nil {
		return 1, err
	}
	n.print(statuses[0])
	return exitCode(statuses[0] == running), nil
}

// startAll starts the enabled bots. The disabled ones are printed first.
func (n *botnet) startAll(bots []bot) (int, error) {
	var idle object
	var enabled []bot
	for _, b := range bots {
		if b.Enabled {
			enabled = append(enabled, b)
		} else {
			idle = append(idle, member{b.ID, disabled})
		}
	}
	statuses, err := n.launch(enabled...)
	if err != nil {
		return 1, err
	}
	n.print(append(idle, byBot(enabled, statuses)...))
	return exitCode(all(statuses, running)), nil
}

// restart stops and starts. Of one bot both are printed, of several what start prints.
func (n *botnet) restart(a arguments) (int, error) {
	bots, one := n.chosen(a)
	before, err := n.end(bots...)
	if err != nil {
		return 1, err
	}
	if !one {
		return n.startAll(bots)
	}
	after, err := n.launch(bots...)
	if err != nil {
		return 1, err
	}
	n.print([]any{before[0], after[0]})
	return exitCode(after[0] == running), nil
}
