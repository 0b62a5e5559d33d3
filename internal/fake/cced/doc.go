// Package cced is a stand-in for the CCE daemon, for tests and the demo. It
// speaks CSCP on a unix socket exactly as the real one was recorded, with its
// quirks: the dialogues in internal/cscp/testdata/dialogues are its
// specification, and its tests replay them.
//
//	daemon := cced.Start(t)
//	client, err := net.Dial("unix", daemon.Socket())
//
// It starts with a schema and the objects of the first dialogue: 1 System,
// 2 the administrator admin with the password secret-1, 3 the user mary with
// "mary-pw 2", 4 and 5 two more users, 6 to 8 three Vsites. An Option changes
// what the daemon is like from the start:
//
//	daemon := cced.Start(t, func(c *cced.Config) { c.PeerIsRoot = true })
//
// Methods make it fall ill while it runs: Stop and Restart, Stall, CutAfter,
// Flood, ReadOnly, FailChanges, Suspend, KillWorker.
//
// What handlers do on a real server is in the property mode of the classes
// Probe and Undo: info, warn, touch, warnfail, baddata, fail, crash, defer and
// slowN, which takes N seconds of Config.Second each. One thing more is done: a
// password that is set on a User is the one that AUTH asks for from then on.
//
// Two things differ from the real one on purpose, since nothing may rely on
// them: lines whose order means nothing come in the order of the schema, and
// the events of handlers (101, 111) are not spoken.
package cced
