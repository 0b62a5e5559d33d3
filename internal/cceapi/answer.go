package cceapi

import "time"

// Answer is what a request gets.
type Answer struct {
	// HTTPStatus is the status of the HTTP response.
	HTTPStatus int
	// Status is that of the JSON object, 0 for a plain text.
	Status int
	// ContentType is application/json or text/plain; charset=utf-8.
	ContentType string
	Body        []byte
	// RetryAfter is when to try again; 0 is not said.
	RetryAfter time.Duration
}

// Options are how values are written.
type Options struct {
	// ScalarArrays writes values such as `&a&b&` as JSON arrays.
	ScalarArrays bool
	// Hide reports whether the value of a property is masked. Nil hides none.
	Hide func(name []byte) bool
}
