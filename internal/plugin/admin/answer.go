package admin

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/caddyserver/caddy/v2"
)

// WriteJSON answers a request to a route of the admin API with a line of JSON.
func WriteJSON(w http.ResponseWriter, status int, result any) error {
	body, err := json.Marshal(result)
	if err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, err = io.WriteString(w, string(body)+"\n")
	return err
}

// Error is what a route returns to refuse a request: Caddy answers with the
// status, and an object whose error is the text.
func Error(status int, err error) error { return caddy.APIError{HTTPStatus: status, Err: err} }
