package cce

import (
	"bytes"
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
	// key is the path of the master key, if it is encrypted; keyMade: there was
	// none.
	key     string
	keyMade bool
}

// prepare writes a password beside the file that it shall replace, encrypted if
// there is a master key. A master key that is missing is made. One that is
// encrypted is not replaced by one in the clear.
func (f AccountFiles) prepare(password cscp.Secret, random io.Reader) (*newPassword, error) {
	p := &newPassword{path: f.Password + ".new", target: f.Password, key: f.MasterKey}
	var err error
	if p.was, err = lookSecret("password", f.Password); err != nil {
		return nil, err
	}
	if f.MasterKey == "" {
		p.content = []byte(string(password) + "\n")
		err = f.refuseEncrypted(p.was)
	} else {
		p.content, p.keyMade, err = f.encrypt(password, random)
	}
	if err == nil {
		err = p.write()
	}
	if err != nil {
		return nil, errors.Join(err, p.discardKey())
	}
	return p, nil
}

// refuseEncrypted refuses a file that is encrypted: somebody has wanted that, and
// has forgotten to name the key.
func (f AccountFiles) refuseEncrypted(was fs.FileInfo) error {
	if was == nil {
		return nil
	}
	content, _, err := readSecret("password", f.Password)
	if err == nil && bytes.HasPrefix(content, encryptedMark) {
		err = inFile("password", f.Password, errEncrypted)
	}
	return err
}

// encrypt makes the content of an encrypted file.
func (f AccountFiles) encrypt(password cscp.Secret, random io.Reader) (content []byte, keyMade bool, err error) {
	key, keyMade, err := f.masterKey(random)
	if err != nil {
		return nil, keyMade, err
	}
	content, err = opensslenc.Encrypt(random, []byte(password), key)
	return content, keyMade, err
}

// write writes the file beside. One that is there is of a rotation that did not
// come to its end.
func (p *newPassword) write() error {
	if err := p.discard(); err != nil {
		return err
	}
	if err := atomicfile.WriteNew(p.path, p.content); err != nil {
		return fmt.Errorf("new password file '%s' cannot be written: %w", p.path, err)
	}
	return nil
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
func (p *newPassword) discard() error { return removeIfThere(p.path) }

// discardKey removes a master key that was made for nothing.
func (p *newPassword) discardKey() error {
	if !p.keyMade {
		return nil
	}
	return removeIfThere(p.key)
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// masterKey returns the passphrase of the master key, which is made if there is none.
func (f AccountFiles) masterKey(random io.Reader) (key []byte, made bool, err error) {
	was, err := lookSecret("master key", f.MasterKey)
	if err != nil {
		return nil, false, err
	}
	if was == nil {
		key, err := f.makeKey(random)
		return key, err == nil, err
	}
	key, info, err := f.readKey()
	if err == nil && !os.SameFile(was, info) {
		// A link by now, perhaps, that makes a passphrase of a file of root's.
		err = inFile("master key", f.MasterKey, atomicfile.ErrReplaced)
	}
	return key, false, err
}

// makeKey makes a master key.
func (f AccountFiles) makeKey(random io.Reader) ([]byte, error) {
	key, err := credential.RandomBase62(random, masterKeyLength)
	if err != nil {
		return nil, err
	}
	if err := atomicfile.WriteNew(f.MasterKey, []byte(key+"\n")); err != nil {
		return nil, fmt.Errorf("master key file '%s' cannot be made: %w", f.MasterKey, err)
	}
	return []byte(key), nil
}

// lookSecret says what file is there, if any, and refuses what could not be
// replaced by a secret. Root does this in the directory of the server's user, who
// must not lead it to other files by a link.
func lookSecret(what, path string) (fs.FileInfo, error) {
	info, err := atomicfile.Look(path)
	if errors.Is(err, atomicfile.ErrForeignLink) {
		return nil, inFile(what, path, err)
	}
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
