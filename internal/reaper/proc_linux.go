package reaper

import (
	"os"
	"strconv"
	"strings"
)

// zombie is the state of a process that has ended and was not waited for.
const zombie = "Z"

// process is what /proc says of one.
type process struct {
	incarnation
	state           string
	parent, session int
}

// processes are the numbers of all there are.
func processes() []int {
	folder, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer folder.Close()
	// What was read before an error is as good.
	names, _ := folder.Readdirnames(-1)
	pids := make([]int, 0, len(names))
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// readProcess reads /proc/<pid>/stat, see proc_pid_stat(5).
func readProcess(pid int) (p process, there bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return process{}, false
	}
	return parseStat(pid, string(text))
}

// parseStat reads a line of stat. The second field is a name in brackets, which the
// process chooses: it may have blanks and brackets in it.
func parseStat(pid int, line string) (p process, whole bool) {
	name := strings.LastIndexByte(line, ')')
	fields := strings.Fields(line[name+1:])
	// The third field of the page is the first here.
	const state, parent, session, started = 0, 1, 3, 19
	if name < 0 || len(fields) <= started {
		return process{}, false
	}
	p.pid, p.state = pid, fields[state]
	var errs [3]error
	p.parent, errs[0] = strconv.Atoi(fields[parent])
	p.session, errs[1] = strconv.Atoi(fields[session])
	p.started, errs[2] = strconv.ParseUint(fields[started], 10, 64)
	return p, errs == [3]error{}
}
