package cce

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/sallyport/sallyport/internal/atomicfile"
	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/cscp"
	"github.com/sallyport/sallyport/internal/opensslenc"
)

// masterKeyLength is the length of a new master key in letters and digits: 380
// bits of chance.
const masterKeyLength = 64

// newPassword is a password that is on disk beside the file it shall replace.
type newPassword struct {
	// path is where it is.
	path string
	// target is what it shall replace, was what is there now, or nil.
	target  string
	was     fs.FileInfo
	content []byte
	keyMade bool
}

// prepare writes a password beside the file that it shall replace, encrypted if
// there is a master key. A master key that is missing is made.
func (f AccountFiles) prepare(password cscp.Secret, random io.Reader) (*newPassword, error) {
	p := &newPassword{path: f.Password + ".new", target: f.Password, content: []byte(string(password) + "\n")}
	var err error
	if p.was, err = lookSecret("password", f.Password); err != nil {
		return nil, err
	}
	if f.MasterKey != "" {
		if p.keyMade, err = f.makeKey(random); err != nil {
			return nil, err
		}
		key, _, err := f.readKey()
		if err != nil {
			return nil, err
		}
		if p.content, err = opensslenc.Encrypt(random, []byte(password), key); err != nil {
			return nil, err
		}
	}
	// One that is there is of a rotation that did not come to its end.
	if err := p.discard(); err != nil {
		return nil, err
	}
	if err := atomicfile.WriteNew(p.path, p.content); err != nil {
		return nil, fmt.Errorf("new password file '%s' cannot be written: %w", p.path, err)
	}
	return p, nil
}

// install puts the password in its place. What was there keeps owner and mode; a
// file that is new belongs to the owner of its folder.
func (p *newPassword) install() error {
	if p.was == nil {
		return atomicfile.WriteNew(p.target, p.content)
	}
	return atomicfile.Replace(p.target, p.content, p.was)
}

// discard removes the file beside.
func (p *newPassword) discard() error {
	if err := os.Remove(p.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// makeKey makes a master key if there is none.
func (f AccountFiles) makeKey(random io.Reader) (made bool, err error) {
	was, err := lookSecret("master key", f.MasterKey)
	if was != nil || err != nil {
		return false, err
	}
	key, err := credential.RandomBase62(random, masterKeyLength)
	if err != nil {
		return false, err
	}
	if err := atomicfile.WriteNew(f.MasterKey, []byte(key+"\n")); err != nil {
		return false, fmt.Errorf("master key file '%s' cannot be made: %w", f.MasterKey, err)
	}
	return true, nil
}

// lookSecret says what file is there, if any, and refuses what could not be
// replaced by a secret.
func lookSecret(what, path string) (fs.FileInfo, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(path); err == nil {
			return nil, inFile(what, path, errors.New("it is a symbolic link that leads nowhere; remove it"))
		}
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s file: %w", what, err)
	}
	if !info.Mode().IsRegular() {
		return nil, inFile(what, path, atomicfile.ErrNotRegular)
	}
	if err := checkClosed(info); err != nil {
		return nil, inFile(what, path, err)
	}
	return info, nil
}
