package opensslenc_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/opensslenc"
)

// passphrase is like those of the files that exist: 32 random bytes in base64.
const passphrase = "Zm9yIHRlc3RzIG9ubHksIDMyIGJ5dGVzIG9mIGtleS4="

// texts are of each length up to two blocks, and a large one.
func texts() (list [][]byte) {
	for n := range 2*aes.BlockSize + 1 {
		list = append(list, bytes.Repeat([]byte{'x'}, n))
	}
	return append(list, []byte("\x01\x00\xff\n"), bytes.Repeat([]byte("0123456789"), 50_000))
}

func TestWhatIsEncryptedIsDecrypted(t *testing.T) {
	for _, text := range texts() {
		file, err := opensslenc.Encrypt(rand.Reader, text, []byte(passphrase))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := opensslenc.Decrypt(file, []byte(passphrase)); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%d bytes: %d bytes, %v", len(text), len(got), err)
		}
	}
}

func TestOpensslReadsAndWritesTheSame(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("CI must have openssl: %v", err)
		}
		t.Skip("there is no openssl on this machine")
	}
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(passphrase+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(input []byte, options ...string) []byte {
		command := exec.CommandContext(t.Context(), openssl, append([]string{"enc", "-aes-256-cbc", "-pbkdf2", "-salt", "-pass", "file:" + key}, options...)...)
		command.Stdin = bytes.NewReader(input)
		output, err := command.Output()
		if err != nil {
			t.Fatalf("openssl enc: %v", err)
		}
		return output
	}
	for _, text := range texts() {
		if got, err := opensslenc.Decrypt(run(text), []byte(passphrase)); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%d bytes of openssl: %d bytes, %v", len(text), len(got), err)
		}
		file, err := opensslenc.Encrypt(rand.Reader, text, []byte(passphrase))
		if err != nil {
			t.Fatal(err)
		}
		if got := run(file, "-d"); !bytes.Equal(got, text) {
			t.Errorf("%d bytes: openssl reads %d", len(text), len(got))
		}
	}
	if _, err := opensslenc.Decrypt(run([]byte("x"), "-a"), []byte(passphrase)); err == nil || !strings.Contains(err.Error(), "it is in base64") {
		t.Errorf("openssl enc -a: %v", err)
	}
}

// TestARecordedFile holds the format where there is no openssl: the file was
// written by openssl 3.0.
func TestARecordedFile(t *testing.T) {
	file, err := base64.StdEncoding.DecodeString("U2FsdGVkX19hWfPhGouC8pzu/HgKLvDEdZMz4LPk9oFJG51V6VI7Q35+57Rn/n/9")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := opensslenc.Decrypt(file, []byte(passphrase)); err != nil || string(got) != "pXq7mZ2vB4nK8tR1wY6cJ3hD" {
		t.Errorf("'%s', %v", got, err)
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	good, err := opensslenc.Encrypt(rand.Reader, []byte("secret"), []byte(passphrase))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"empty":                   {nil, "does not begin with 'Salted__'"},
		"a part of the beginning": {good[:7], "does not begin with 'Salted__'"},
		"in the clear":            {[]byte("secret"), "does not begin with 'Salted__'"},
		"in base64":               {[]byte(base64.StdEncoding.EncodeToString(good)), "it is in base64"},
		"only the beginning":      {good[:8], "cut off or was added to"},
		"only the salt":           {good[:16], "cut off or was added to"},
		"without its last byte":   {good[:len(good)-1], "cut off or was added to"},
		"with a line break":       {append(bytes.Clone(good), '\n'), "cut off or was added to"},
		"too large":               {append(bytes.Clone(good), make([]byte, opensslenc.MaxPlaintext+16)...), "larger than 1048576 bytes"},
		"too large by one byte":   {encryptRaw(t, bytes.Repeat([]byte{15}, opensslenc.MaxPlaintext+16)), "larger than 1048576 bytes"},
	} {
		if _, err := opensslenc.Decrypt(c.file, []byte(passphrase)); err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, opensslenc.ErrWrong) {
			t.Errorf("%s: %v, want …%s…", name, err, c.want)
		}
	}
}

func TestAnyWrongFillingIsWrong(t *testing.T) {
	block := func(tail ...byte) []byte { return append(bytes.Repeat([]byte{'x'}, 16-len(tail)), tail...) }
	for name, text := range map[string][]byte{
		"none":                  block('x'),
		"of zero":               block(0),
		"longer than a block":   block(17),
		"longer than the text":  block(255),
		"with another byte":     block(3, 2, 3),
		"with a wrong first":    block(3, 4, 4, 4),
		"of a block, but first": append([]byte{15}, bytes.Repeat([]byte{16}, 15)...),
	} {
		if got, err := opensslenc.Decrypt(encryptRaw(t, text), []byte(passphrase)); !errors.Is(err, opensslenc.ErrWrong) {
			t.Errorf("%s: '%s', %v", name, got, err)
		}
	}
}

func TestWrongPassphrasesAreWrong(t *testing.T) {
	file := encryptRaw(t, bytes.Repeat([]byte{16}, 16))
	for _, wrong := range []string{"x", passphrase[1:], passphrase + " "} {
		if got, err := opensslenc.Decrypt(file, []byte(wrong)); !errors.Is(err, opensslenc.ErrWrong) {
			t.Errorf("'%s': '%s', %v", wrong, got, err)
		}
	}
}

func TestPassphrasesThatAreRefused(t *testing.T) {
	file := encryptRaw(t, bytes.Repeat([]byte{16}, 16))
	for passphrase, want := range map[string]string{
		"":                        "is empty",
		"secret\n":                "a line break or a NUL",
		"secret\r":                "a line break or a NUL",
		"sec\x00ret":              "a line break or a NUL",
		strings.Repeat("x", 1025): "longer than 1024 bytes",
	} {
		_, decrypting := opensslenc.Decrypt(file, []byte(passphrase))
		_, encrypting := opensslenc.Encrypt(rand.Reader, nil, []byte(passphrase))
		for _, err := range []error{decrypting, encrypting} {
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("'%.9s': %v, want …%s", passphrase, err, want)
			}
		}
	}
}

func TestNothingIsEncryptedWithoutASalt(t *testing.T) {
	if _, err := opensslenc.Encrypt(bytes.NewReader(make([]byte, 7)), nil, []byte(passphrase)); err == nil || !strings.HasPrefix(err.Error(), "salt: ") {
		t.Errorf("seven random bytes: %v", err)
	}
	if _, err := opensslenc.Encrypt(rand.Reader, make([]byte, opensslenc.MaxPlaintext+1), []byte(passphrase)); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("a text that is too large: %v", err)
	}
}

func FuzzDecrypt(f *testing.F) {
	good, err := opensslenc.Encrypt(rand.Reader, []byte("secret"), []byte(passphrase))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good, []byte(passphrase))
	f.Add(good[:17], []byte("x"))
	f.Add([]byte("U2FsdGVkX18="), []byte("x"))
	f.Fuzz(func(t *testing.T, file, passphrase []byte) {
		text, err := opensslenc.Decrypt(file, passphrase)
		if err != nil {
			return
		}
		// With the same salt the same file comes out.
		again, err := opensslenc.Encrypt(bytes.NewReader(file[8:16]), text, passphrase)
		if err != nil || !bytes.Equal(again, file) {
			t.Errorf("%x becomes %x, %v", file, again, err)
		}
	})
}

// encryptRaw encrypts whole blocks as they are, without a filling.
func encryptRaw(t *testing.T, blocks []byte) []byte {
	t.Helper()
	salt := []byte("12345678")
	derived, err := pbkdf2.Key(sha256.New, passphrase, salt, 10_000, 48)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(derived[:32])
	if err != nil {
		t.Fatal(err)
	}
	encrypted := make([]byte, len(blocks))
	cipher.NewCBCEncrypter(block, derived[32:]).CryptBlocks(encrypted, blocks)
	return append([]byte("Salted__12345678"), encrypted...)
}
