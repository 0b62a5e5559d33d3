package intelmqctl

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// start starts a process and whatever listens to it.
func (p *Program) start(arguments []string) (*run, error) {
	if len(p.Words) == 0 {
		return nil, errors.New("no command is configured; name intelmqctl")
	}
	environment := p.Environment
	if environment == nil {
		environment = CleanEnvironment()
	}
	path, err := Find(p.Words[0], pathOf(environment), os.Stat)
	if err != nil {
		return nil, err
	}
	folder := cmp.Or(p.Directory, defaultDirectory)
	r, inherited, err := newRun(cmp.Or(p.MaxOutput, defaultMaxOutput))
	defer closeAll(inherited)
	if err != nil {
		return nil, startError(path, folder, err)
	}
	closeOnExec()
	r.process, err = os.StartProcess(path, slices.Concat(p.Words, arguments), &os.ProcAttr{
		Dir:   folder,
		Env:   environment,
		Files: inherited,
		Sys:   ownSession(),
	})
	if err != nil {
		r.stdout.close()
		r.stderr.close()
		return nil, startError(path, folder, err)
	}
	r.began = time.Now()
	go r.watch()
	return r, nil
}

// newRun opens what a process is to inherit: standard input that ends at once,
// and two pipes. The caller closes them.
func newRun(maxOutput int) (*run, []*os.File, error) {
	var inherited []*os.File
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, nil, err
	}
	inherited = append(inherited, null)
	stdout, out, err := newCatch(maxOutput, false)
	if err != nil {
		return nil, inherited, err
	}
	inherited = append(inherited, out)
	stderr, out, err := newCatch(maxStderr, true)
	if err != nil {
		stdout.close()
		return nil, inherited, err
	}
	inherited = append(inherited, out)
	return &run{stdout: stdout, stderr: stderr, ended: make(chan struct{}), over: make(chan struct{})}, inherited, nil
}

func closeAll(files []*os.File) {
	for _, file := range files {
		file.Close()
	}
}

// pathOf is the PATH of an environment. It is that in which a command is looked for,
// and not the PATH of this process.
func pathOf(environment []string) (path string) {
	for _, variable := range environment {
		if value, is := strings.CutPrefix(variable, "PATH="); is {
			path = value
		}
	}
	return path
}

// Find is the path of a command: name itself if that is absolute, whether it is
// there or not, or else the first program of that name in the folders of path. stat
// looks at files; it is os.Stat on this machine. The error says what to do.
func Find(name, path string, stat func(string) (fs.FileInfo, error)) (string, error) {
	if filepath.IsAbs(name) {
		return name, nil
	}
	if name == "" || strings.ContainsRune(name, filepath.Separator) {
		return "", fmt.Errorf("the command '%s' is neither a name nor an absolute path; write its whole path", name)
	}
	for _, folder := range filepath.SplitList(path) {
		candidate := filepath.Join(folder, name)
		if info, err := stat(candidate); err == nil && filepath.IsAbs(folder) && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 {
			return candidate, nil
		}
	}
	return "", fmt.Errorf("the command '%s' is in none of the folders '%s'; install it, or configure its whole path: %w", name, path, fs.ErrNotExist)
}

// startError says why a file was not executed, and what to do. The system's own
// words are the same for several causes.
func startError(path, folder string, err error) error {
	if failed := (*fs.PathError)(nil); errors.As(err, &failed) {
		// Its path is told once.
		err = failed.Err
	}
	if info, missing := os.Stat(folder); missing != nil || !info.IsDir() {
		return fmt.Errorf("the command '%s' was not started: there is no folder '%s' to run in; make it, or configure another: %w", path, folder, err)
	}
	info, missing := os.Stat(path)
	var why string
	switch {
	case isShortage(err):
		why = "the system has no room for another process now; end others, or raise TasksMax=, LimitNPROC= and LimitNOFILE= of the service"
	case errors.Is(err, syscall.E2BIG):
		why = "its arguments are longer than the system takes"
	case errors.Is(missing, fs.ErrNotExist):
		why = "there is no such file; install it, or configure its right path"
	case missing == nil && info.IsDir():
		why = "this is a folder; configure the path of the program in it"
	case errors.Is(err, fs.ErrNotExist):
		why = "the interpreter that its first line names is not there; install it, or correct that line"
	case errors.Is(err, syscall.ENOEXEC):
		why = "this is no program of this system: a script needs a first line such as #!/usr/bin/python3"
	case errors.Is(err, fs.ErrPermission):
		why = fmt.Sprintf("the user '%s' must not execute it; see its mode, those of the folders above, noexec of the file system, and what SELinux or AppArmor denies", userName())
	default:
		return fmt.Errorf("starting '%s': %w", path, err)
	}
	return fmt.Errorf("the command '%s' was not started: %s: %w", path, why, err)
}

// isShortage reports whether an error goes away when others end.
func isShortage(err error) bool {
	for _, lack := range []syscall.Errno{syscall.EAGAIN, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE} {
		if errors.Is(err, lack) {
			return true
		}
	}
	return false
}
