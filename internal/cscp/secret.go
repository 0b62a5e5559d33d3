package cscp

import (
	"fmt"
	"io"
)

const redacted = "REDACTED"

// String is REDACTED.
func (Secret) String() string { return redacted }

// GoString is REDACTED.
func (Secret) GoString() string { return redacted }

// Format writes REDACTED for each verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText gives REDACTED, so that no encoder writes a secret by mistake.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
