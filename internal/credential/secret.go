package credential

import (
	"fmt"
	"log/slog"
)

const redacted = "REDACTED"

// Secret is a text that must not be seen. However it is printed, logged or
// marshalled, it comes out as REDACTED; only Reveal gives the text.
type Secret struct{ text string }

// NewSecret hides text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal returns the hidden text. Each call is a place to look at when reading
// for leaks.
func (s Secret) Reveal() string { return s.text }

// String returns REDACTED.
func (Secret) String() string { return redacted }

// Format prints REDACTED for every verb, %#v and %x among them.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText returns REDACTED; encoding/json uses it as well.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns REDACTED.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

var (
	_ fmt.Formatter  = Secret{}
	_ slog.LogValuer = Secret{}
)
