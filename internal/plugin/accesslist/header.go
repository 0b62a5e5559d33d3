package accesslist

import (
	"fmt"
	"net/http"
)

// DefaultHeader is the header of the CCE endpoint's document.
const DefaultHeader = "X-Client-Secret"

// maxHeader is the longest header that is looked at, as for keys, in bytes.
const maxHeader = 8 << 10

// OneSecret is the secret that a request presents in a header, whose name is in
// its canonical form, or "" if there is no such header. Several headers, an empty
// one and one of more than 8 KiB are errors, which may be told to the client.
func OneSecret(h http.Header, name string) (string, error) {
	presented := h[name]
	switch {
	case len(presented) == 0:
		return "", nil
	case len(presented) > 1:
		return "", fmt.Errorf("more than one %s header; send one", name)
	case presented[0] == "":
		return "", fmt.Errorf("the %s header is empty", name)
	case len(presented[0]) > maxHeader:
		return "", fmt.Errorf("the %s header is longer than 8 KiB", name)
	}
	return presented[0], nil
}
