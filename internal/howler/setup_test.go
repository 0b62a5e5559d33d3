package howler

import (
	"encoding/json"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/credential"
)

const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
)

var now = time.Date(2026, 11, 22, 10, 30, 0, 0, time.UTC)

// compareSecrets looks into what prints as REDACTED.
var compareSecrets = cmp.Comparer(func(a, b credential.Secret) bool { return a.Reveal() == b.Reveal() })

func secret(text string) credential.Secret { return credential.NewSecret(text) }

func query(text string) url.Values {
	values, err := url.ParseQuery(text)
	if err != nil {
		panic(err)
	}
	return values
}

// taken is a NameFree that knows these names.
func taken(names ...string) func(string) *Failure {
	return func(asked string) *Failure {
		if slices.Contains(names, asked) {
			return KeyExists(asked)
		}
		return nil
	}
}

// told is what a client sees of a failure.
func told(f *Failure) string {
	if f == nil {
		return "success"
	}
	return f.Text
}

// asJSON marshals and reads back, so that order and escaping do not matter.
func asJSON(t *testing.T, value any) any {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var read any
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	return read
}
