// Package wire writes and reads the JSON that goes over HTTP.
package wire

import "encoding/json"

// Error is the body of a refusal or failure:
//
//	{"error":"invalid_token","message":"the credential is not accepted","error_id":"4fT0aQz81LkP"}
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
	// A struct of strings always marshals.
	body, _ := json.Marshal(Error{code, message, id})
	return append(append(dst, body...), '\n')
}
