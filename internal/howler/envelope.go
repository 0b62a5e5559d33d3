package howler

import (
	"encoding/json"
	"fmt"
)

// Envelope is the JSON object of every answer but 204, which has no body. It has
// exactly these keys: the client takes an answer for no API at all if one of
// them is missing, or if Response is null or has a key whose name contains
// "error". So codes and ids of errors travel in headers.
type Envelope struct {
	// Response is the payload. Nil stands for {"success": true}, or false from
	// status 400 on.
	Response any `json:"api_response"`
	// ErrorMessage is empty on success.
	ErrorMessage string `json:"api_error_message"`
	// Warnings are printed by the client, one a line. Nil is written as [].
	Warnings []string `json:"api_warning"`
	// ServerVersion is free text such as 1.2.3.
	ServerVersion string `json:"api_server_version"`
	// Status repeats the HTTP status.
	Status int `json:"api_status_code"`
}

// success is the payload of answers that have nothing else to say.
type success struct {
	Success bool `json:"success"`
}

// Success wraps the payload of an answer with status 200. A nil payload is
// written as {"success": true}.
func Success(version string, response any) Envelope {
	return Envelope{Response: response, ServerVersion: version, Status: 200}
}

// Envelope wraps the failure.
func (f *Failure) Envelope(version string) Envelope {
	return Envelope{ErrorMessage: f.Text, ServerVersion: version, Status: f.Status}
}

// Append appends the envelope as JSON and a line end to dst. It fails only if
// the payload is nothing that JSON can say.
func (e Envelope) Append(dst []byte) ([]byte, error) {
	if e.Response == nil {
		e.Response = success{e.Status < 400}
	}
	if e.Warnings == nil {
		e.Warnings = []string{}
	}
	text, err := json.Marshal(e)
	if err != nil {
		return dst, fmt.Errorf("answer of status %d: %w", e.Status, err)
	}
	return append(append(dst, text...), '\n'), nil
}
