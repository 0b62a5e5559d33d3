// Package intelmqctl is a stand-in for IntelMQ's control command, for tests and the
// demo. It prints what the real one was recorded to print, byte for byte, and ends
// with the same exit codes.
//
// Where its answers come from:
//
//   - a botnet of five bots in a folder, with state. Bots are processes: they are
//     started, stopped and found by pid files as the real ones are, without any lock,
//     so that calls at the same time can leave two of them;
//   - a file of records, where -replay or the switch replay names one. It answers by
//     state and arguments.
//
// A test binary is the command itself when it is called by its name, which needs no
// environment:
//
//	func TestMain(m *testing.M) {
//		intelmqctl.ServeCalls()
//		os.Exit(m.Run())
//	}
//
//	func TestStatus(t *testing.T) {
//		botnet := intelmqctl.Start(t)
//		out, err := exec.Command(botnet.Command, "--type", "json", "status").Output()
//		…
//	}
//
// A file of switches in the folder makes it ill from the next call on; Botnet.Switch
// writes it and names the switches. Each call is written down: see Botnet.Calls.
//
// What differs on purpose: bots do no work, so that a queue stays as it was filled;
// their descriptions and all words for people are its own; JSON is printed whatever
// --type asks for; the sub-commands enable, disable and upgrade-config are missing.
// It needs Linux, for /proc.
package intelmqctl
