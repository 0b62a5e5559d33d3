package intelmqctl

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// folder is the folder of a botnet, laid out as IntelMQ's own is.
type folder string

// The files of a folder that IntelMQ does not have.
const (
	definition   = "botnet.json"
	switchesFile = "switches"
	callsFile    = "calls"
	startedFile  = "var/run/started"
)

func (f folder) path(name string) string      { return filepath.Join(string(f), filepath.FromSlash(name)) }
func (f folder) pidFile(id string) string     { return f.path("var/run/" + id + ".pid") }
func (f folder) logFile(id string) string     { return f.path("var/log/" + id + ".log") }
func (f folder) queueFile(name string) string { return f.path("var/queues/" + name) }

// samples are written by us, with the paths of an ordinary installation.
//
//go:embed files
var samples embed.FS

// installed is the folder that the samples name.
const installed = "/opt/intelmq"

// sample is a file of samples, for a botnet in this folder.
func (f folder) sample(name string) (string, error) {
	text, err := samples.ReadFile("files/" + name)
	return strings.ReplaceAll(string(text), installed, string(f)), err
}

// created are the files of a new botnet, and where its text comes from. One without
// a sample is what stands here.
var created = []struct{ path, sample, text string }{
	{path: definition, sample: "botnet.json"},
	{path: "etc/runtime.yaml", sample: "runtime.yaml"},
	{path: "etc/harmonization.conf", sample: "harmonization.conf"},
	{path: "etc/manager/positions.conf", sample: "positions.conf"},
	{path: "var/lib/state.json", text: "{}\n"},
	{path: "var/lib/bots/file-collector/feed.csv", text: "2026-01-02 03:04:05,192.0.2.1,80,host.example\n"},
	{path: "var/lib/bots/file-output/events.txt", text: `{"source.ip":"192.0.2.1","feed.name":"Example Feed"}` + "\n"},
}

// Create makes a botnet of five bots in a folder: all stopped, one of them disabled,
// all queues empty. It refuses a folder with a configuration of IntelMQ.
func Create(root string) error {
	root, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	f := folder(root)
	if _, err := os.Stat(f.path("etc/runtime.yaml")); err == nil {
		return fmt.Errorf("'%s' has a configuration of IntelMQ; name another folder", root)
	}
	for _, name := range []string{"bin", "var/run", "var/log", "var/queues"} {
		if err := os.MkdirAll(f.path(name), 0o755); err != nil {
			return err
		}
	}
	for _, file := range created {
		text := file.text
		if file.sample != "" {
			if text, err = f.sample(file.sample); err != nil {
				return err
			}
		}
		if err := os.MkdirAll(filepath.Dir(f.path(file.path)), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(f.path(file.path), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Install makes a program the intelmqctl of a botnet's folder and returns the path to
// call it by, which needs no option and no environment. The program must call
// ServeCalls.
func Install(program, root string) (string, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return "", err
	}
	path := folder(root).path("bin/" + Name)
	return path, os.Symlink(program, path)
}

// appendLine adds a line in one write, which other processes cannot break into.
func appendLine(path, line string) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = file.WriteString(line + "\n")
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}

// pythonTime is how IntelMQ writes a time in its parameters.
func pythonTime(t time.Time) string { return t.Format(time.DateTime) }
