// Package wire writes what goes over HTTP: JSON and values of headers.
package wire

import "encoding/json"

// Error is the body of a refusal or failure:
//
//	{"error":"invalid_token","message":"the credential is not accepted","error_id":"M4YXWHZ6BTKR"}
type Error struct {
	// Code is stable; clients may decide on it.
	Code string `json:"error"`
	// Message is for people and may change.
	Message string `json:"message"`
	// ID finds the cause in the server's log.
	ID string `json:"error_id"`
}

// AppendError appends an Error and a line end to dst.
func AppendError(dst []byte, code, message, id string) []byte {
	dst = appendString(append(dst, `{"error":`...), code)
	dst = appendString(append(dst, `,"message":`...), message)
	dst = appendString(append(dst, `,"error_id":`...), id)
	return append(dst, "}\n"...)
}

// appendString appends s as JSON. Plain text, which our own words are, needs
// neither escaping nor an allocation.
func appendString(dst []byte, s string) []byte {
	if !isPlain(s) {
		// A string always marshals.
		quoted, _ := json.Marshal(s)
		return append(dst, quoted...)
	}
	return append(append(append(dst, '"'), s...), '"')
}

func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}
