// Package opensslenc reads and writes what the openssl command makes of a file
// under a passphrase:
//
//	openssl enc -aes-256-cbc -pbkdf2 -salt -in plain -out encrypted
//
// That is 'Salted__', 8 bytes of salt, and the text under AES-256 in CBC mode,
// filled up by PKCS #7. Key and initialization vector, 32 and 16 bytes, are
// PBKDF2-HMAC-SHA-256 of passphrase and salt with 10,000 iterations, the
// command's default. All of it is as of OpenSSL 1.1.1 and later.
//
// The format does not prove that nobody has changed the text: a wrong passphrase
// or a changed file is noticed by the filling only, and one in 256 passes with a
// text that makes no sense. Nothing new should be kept in this format; it is here
// for files that exist.
package opensslenc

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

const (
	// magic begins each file.
	magic = "Salted__"
	// base64Magic is how a file begins that was written with -a.
	base64Magic = "U2FsdGVkX1"

	saltLength = 8
	iterations = 10_000
	keyLength  = 32 // AES-256
	// headLength is what stands before the encrypted text.
	headLength = len(magic) + saltLength

	// MaxPlaintext is the most bytes of a text, 1 MiB: passwords are meant.
	MaxPlaintext = 1 << 20
	// MaxPassphrase is the most bytes of a passphrase, which the command cuts
	// there when it reads one.
	MaxPassphrase = 1024
)

var (
	// ErrWrong: the passphrase is not the one that the file was encrypted with,
	// or the file is damaged. The format does not tell which.
	ErrWrong = errors.New("the passphrase is wrong or the file is damaged; which of them cannot be told")

	errNotSalted = errors.New("it does not begin with 'Salted__'; write it by `openssl enc -aes-256-cbc -pbkdf2 -salt`")
	errBase64    = errors.New("it is in base64; write it by openssl without -a, or decode it by `openssl base64 -d`")
	errBlocks    = errors.New("it is cut off or was added to: behind the salt there is no whole number of blocks of 16 bytes")
	errLarge     = fmt.Errorf("the text is larger than %d bytes", MaxPlaintext)

	errNoPassphrase   = errors.New("the passphrase is empty")
	errLongPassphrase = fmt.Errorf("the passphrase is longer than %d bytes", MaxPassphrase)
	errBadPassphrase  = errors.New("the passphrase has a line break or a NUL, which openssl cannot be told; write it in one line")
)

// Decrypt returns the text of an encrypted file. A passphrase that comes from a
// file must be without the line break at its end. Damage that shows is an error
// that says so; else it is ErrWrong.
func Decrypt(ciphertext, passphrase []byte) ([]byte, error) {
	body, found := bytes.CutPrefix(ciphertext, []byte(magic))
	switch {
	case !found && bytes.HasPrefix(ciphertext, []byte(base64Magic)):
		return nil, errBase64
	case !found:
		return nil, errNotSalted
	case len(body) < saltLength+aes.BlockSize || (len(body)-saltLength)%aes.BlockSize != 0:
		return nil, errBlocks
	case len(body)-saltLength > MaxPlaintext+aes.BlockSize:
		return nil, errLarge
	}
	salt, encrypted := body[:saltLength], body[saltLength:]
	block, vector, err := derive(passphrase, salt)
	if err != nil {
		return nil, err
	}
	text := make([]byte, len(encrypted))
	cipher.NewCBCDecrypter(block, vector).CryptBlocks(text, encrypted)
	return unfill(text)
}

// Encrypt returns what Decrypt, and `openssl enc -d`, make the text of again.
// The salt comes from random.
func Encrypt(random io.Reader, plaintext, passphrase []byte) ([]byte, error) {
	if len(plaintext) > MaxPlaintext {
		return nil, errLarge
	}
	fill := aes.BlockSize - len(plaintext)%aes.BlockSize
	file := make([]byte, headLength+len(plaintext)+fill)
	salt, text := file[len(magic):headLength], file[headLength:]
	copy(file, magic)
	if _, err := io.ReadFull(random, salt); err != nil {
		return nil, fmt.Errorf("salt: %w", err)
	}
	block, vector, err := derive(passphrase, salt)
	if err != nil {
		return nil, err
	}
	copy(text, plaintext)
	copy(text[len(plaintext):], bytes.Repeat([]byte{byte(fill)}, fill))
	cipher.NewCBCEncrypter(block, vector).CryptBlocks(text, text)
	return file, nil
}

// derive returns the cipher and the initialization vector.
func derive(passphrase, salt []byte) (cipher.Block, []byte, error) {
	switch {
	case len(passphrase) == 0:
		return nil, nil, errNoPassphrase
	case len(passphrase) > MaxPassphrase:
		return nil, nil, errLongPassphrase
	case bytes.ContainsAny(passphrase, "\x00\r\n"):
		return nil, nil, errBadPassphrase
	}
	derived, err := pbkdf2.Key(sha256.New, string(passphrase), salt, iterations, keyLength+aes.BlockSize)
	if err != nil {
		return nil, nil, fmt.Errorf("derive the key: %w", err)
	}
	block, err := aes.NewCipher(derived[:keyLength])
	return block, derived[keyLength:], err
}

// unfill checks and removes the filling: n bytes of value n, from 1 to a block.
// Who could learn from the time that it takes can write the file, and has it
// from the error as well.
func unfill(text []byte) ([]byte, error) {
	fill := int(text[len(text)-1])
	if fill == 0 || fill > aes.BlockSize {
		return nil, ErrWrong
	}
	rest := len(text) - fill
	for _, b := range text[rest:] {
		if int(b) != fill {
			return nil, ErrWrong
		}
	}
	if rest > MaxPlaintext {
		return nil, errLarge
	}
	return text[:rest], nil
}
