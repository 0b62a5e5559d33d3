package caddyauth

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// checkFiles looks at owners and modes of the store, what SQLite keeps beside
// it, the pepper, and their directories. What is not there other checks miss.
func checkFiles(e *examination) (found []finding, err error) {
	database := e.settings.Location.Path
	owner, err := os.Stat(database)
	if err != nil {
		return unseen(err), nil
	}
	found = append(found, checkDatabaseOwner(e, owner)...)
	strange := len(found) > 0
	for _, path := range []string{database, database + "-wal", database + "-shm", e.settings.PepperFile} {
		if path == "" {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			found = append(found, unseen(err)...)
			continue
		}
		found = append(found, checkMode(path, info)...)
		if mine, its := ownerOf(info), ownerOf(owner); mine != its && !strange {
			found = append(found, fileOwner.of(fmt.Sprintf("'%s' belongs to %s, the database to %s", path, mine.name(), its.name())))
		}
	}
	found = append(found, checkDirectory(filepath.Dir(database), owner)...)
	if dir := filepath.Dir(e.settings.PepperFile); e.settings.PepperFile != "" && dir != filepath.Dir(database) {
		// Whoever may write there can put another pepper in its place.
		info, err := os.Stat(dir)
		if err != nil {
			return append(found, unseen(err)...), nil
		}
		found = append(found, checkMode(dir, info)...)
	}
	return found, nil
}

// checkDatabaseOwner looks whether it is the database that belongs to the wrong user:
// the folder and the pepper are of one, and it is of another, as a backup is that root
// has moved there.
func checkDatabaseOwner(e *examination, database fs.FileInfo) []finding {
	path := e.settings.Location.Path
	dir, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return unseen(err)
	}
	pepper, err := os.Stat(e.settings.PepperFile)
	if err != nil {
		// What is wrong with it another check says.
		return nil
	}
	its, server := ownerOf(database), ownerOf(dir)
	if its == server || ownerOf(pepper) != server {
		return nil
	}
	return []finding{fileOwner.of(fmt.Sprintf("the database '%s' belongs to %s, its directory and the pepper to %s", path, its.name(), server.name()))}
}

// unseen is the finding for a file that may not be looked at.
func unseen(err error) []finding {
	if errors.Is(err, fs.ErrPermission) {
		return []finding{notChecked.of(err.Error())}
	}
	return nil
}

// checkMode looks at the rights of those who are neither owner nor in the group.
func checkMode(path string, info fs.FileInfo) []finding {
	const read, write = 0o004, 0o002
	if !ownersKnown {
		return nil // the mode is made up
	}
	mode := info.Mode().Perm()
	switch {
	case mode&write != 0:
		return []finding{fileWritable.of(fmt.Sprintf("'%s' can be written by everybody on this machine (mode %04o)", path, mode))}
	case mode&read != 0 && !info.IsDir():
		return []finding{fileReadable.of(fmt.Sprintf("'%s' can be read by everybody on this machine (mode %04o)", path, mode))}
	}
	return nil
}

// checkDirectory looks whether the database's owner may make files there, as
// SQLite must, and everybody else may not. Its list is no secret.
func checkDirectory(dir string, database fs.FileInfo) []finding {
	info, err := os.Stat(dir)
	if err != nil {
		return unseen(err)
	}
	found := checkMode(dir, info)
	if owner := ownerOf(database); ownersKnown && !owner.mayWrite(info) {
		found = append(found, fileOwner.of(fmt.Sprintf("directory '%s' cannot be written by %s, to whom the database belongs", dir, owner.name())))
	}
	return found
}

// lowSpace is how much room, in bytes, is too little: a day's changes of a busy
// server and their journal.
const lowSpace = 100 << 20

func checkSpace(e *examination) ([]finding, error) {
	dir := filepath.Dir(e.settings.Location.Path)
	free, known, err := e.freeSpace(dir)
	if err != nil {
		return unseen(err), nil
	}
	if !known || free >= lowSpace {
		return nil, nil
	}
	return []finding{diskLow.of(fmt.Sprintf("the file system of '%s' has %d MiB left", dir, free>>20))}, nil
}
