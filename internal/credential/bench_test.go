package credential_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"testing"

	"github.com/sallyport/sallyport/bench/cputime"
	"github.com/sallyport/sallyport/internal/credential"
)

// benchKey makes a key as it is handed out, and a pepper.
func benchKey(b *testing.B) (string, *credential.Pepper) {
	b.Helper()
	pepper, err := credential.NewPepper(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	id, err := credential.NewKeyID(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	word, err := credential.NewKey(rand.Reader, credential.DefaultPrefix, id)
	if err != nil {
		b.Fatal(err)
	}
	return word.Reveal(), pepper
}

func BenchmarkFromHeaders(b *testing.B) {
	word, _ := benchKey(b)
	request := func(name, value string) http.Header { return http.Header{name: {value}} }
	basic := http.Request{Header: http.Header{}}
	basic.SetBasicAuth("alice", word)
	for _, way := range []struct {
		name    string
		headers http.Header
	}{
		{"bearer", request(credential.AuthorizationHeader, "Bearer "+word)},
		{"x-api-key", request(credential.APIKeyHeader, word)},
		{"basic", basic.Header},
		{"none", http.Header{"Accept": {"*/*"}}},
	} {
		b.Run(way.name, func(b *testing.B) {
			b.ReportAllocs()
			start := cputime.Used()
			for b.Loop() {
				if _, err := credential.FromHeaders(way.headers); err != nil {
					b.Fatal(err)
				}
			}
			cputime.Report(b, start)
		})
	}
}

func BenchmarkParseKey(b *testing.B) {
	word, _ := benchKey(b)
	b.ReportAllocs()
	start := cputime.Used()
	for b.Loop() {
		if _, ok := credential.ParseKey(word); !ok {
			b.Fatal("not a key")
		}
	}
	cputime.Report(b, start)
}

func BenchmarkVerifier(b *testing.B) {
	word, pepper := benchKey(b)
	want := pepper.Verifier(word)
	b.ReportAllocs()
	start := cputime.Used()
	for b.Loop() {
		got := pepper.Verifier(word)
		if !got.Equal(&want) {
			b.Fatal("another verifier")
		}
	}
	cputime.Report(b, start)
}

// BenchmarkVerifierFloor is what the verifier costs at least: one SHA-256, and
// an HMAC made anew each time, which is what the pool saves.
func BenchmarkVerifierFloor(b *testing.B) {
	word, _ := benchKey(b)
	in, pepper := []byte(word), make([]byte, credential.PepperSize)
	b.Run("sha256", func(b *testing.B) {
		b.ReportAllocs()
		start := cputime.Used()
		for b.Loop() {
			_ = sha256.Sum256(in)
		}
		cputime.Report(b, start)
	})
	b.Run("hmac.New", func(b *testing.B) {
		b.ReportAllocs()
		start := cputime.Used()
		for b.Loop() {
			h := hmac.New(sha256.New, pepper)
			h.Write(in)
			_ = h.Sum(nil)
		}
		cputime.Report(b, start)
	})
}
