package credential

import (
	"fmt"
	"io"
)

// base62 is in ASCII order, so that ids sort the same as text, in the database
// and in memory.
const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// notBase62 marks the bytes that are no base62 digit in digitValues.
const notBase62 = 0xff

// digitValues maps a byte to its base62 value.
var digitValues = func() (values [256]byte) {
	for i := range values {
		values[i] = notBase62
	}
	for i := range len(base62) {
		values[base62[i]] = byte(i)
	}
	return values
}()

func isBase62(text []byte) bool {
	// No digit has the highest bit, and without a branch this is faster.
	var all byte
	for _, b := range text {
		all |= digitValues[b]
	}
	return all < 0x80
}

// RandomBase62 returns n random base62 characters, 5.95 bits each, from random
// (crypto/rand.Reader outside tests).
func RandomBase62(random io.Reader, n int) (string, error) {
	// 248 is the largest multiple of 62 in a byte: what is above is thrown away,
	// or the first eight digits would come up more often than the others.
	const limit = 248
	out := make([]byte, 0, n)
	buf := make([]byte, n+n/8+8)
	for len(out) < n {
		if _, err := io.ReadFull(random, buf); err != nil {
			return "", fmt.Errorf("reading random bytes: %w", err)
		}
		for _, b := range buf {
			if b < limit && len(out) < n {
				out = append(out, base62[b%62])
			}
		}
	}
	return string(out), nil
}
