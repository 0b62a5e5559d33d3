package intelmqapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
)

// The types of a form.
const (
	formURLEncoded = "application/x-www-form-urlencoded"
	formMultipart  = "multipart/form-data"
)

// maxFields bounds the fields of a form. There are two at most.
const maxFields = 100

// ReadForm reads a body as the form that its content type says, urlencoded or
// multipart. Of a field that is there twice the last counts, so that each has one
// value. A body of another type is an empty form. Files are left out.
func ReadForm(contentType string, body []byte) (url.Values, *Invalid) {
	media, parameters, err := mime.ParseMediaType(contentType)
	if err != nil || len(body) == 0 {
		return url.Values{}, nil
	}
	switch media {
	case formURLEncoded:
		if bytes.Count(body, []byte("&")) >= maxFields {
			return nil, brokenForm(errTooManyFields)
		}
		return parseQuery(string(body)), nil
	case formMultipart:
		values, err := readParts(body, parameters["boundary"])
		if err != nil {
			return nil, brokenForm(err)
		}
		return values, nil
	}
	return url.Values{}, nil
}

var errTooManyFields = errors.New("it has too many fields")

// brokenForm says what is wrong with a form without a word of it.
func brokenForm(err error) *Invalid {
	reason := "it ends too early, or a part of it is broken"
	if errors.Is(err, errTooManyFields) {
		reason = err.Error()
	}
	return wrongBody("the form cannot be read: "+reason, "value_error")
}

func readParts(body []byte, boundary string) (url.Values, error) {
	// Headers that end too early are the end of all parts for the reader.
	if !bytes.Contains(body, []byte("--"+boundary+"--")) {
		return nil, io.ErrUnexpectedEOF
	}
	reader := multipart.NewReader(bytes.NewReader(body), boundary)
	values := make(url.Values)
	for count := 0; ; count++ {
		// Not NextPart, which decodes quoted-printable.
		part, err := reader.NextRawPart()
		if err == io.EOF { //nolint:errorlint // A wrapped one is a form that is broken.
			return values, nil
		}
		if err != nil {
			return nil, err
		}
		if count == maxFields {
			return nil, errTooManyFields
		}
		text, err := io.ReadAll(part)
		if err != nil {
			return nil, err
		}
		if name := part.FormName(); name != "" && part.FileName() == "" {
			values.Set(name, strings.ToValidUTF8(string(text), "\uFFFD"))
		}
	}
}

// Fields reads the body of RouteLogin: a form as ReadForm does, or a JSON object
// of strings, which intelmq-api's documentation and the published Ansible tasks
// send, though version 3.3 refuses it. Nothing of the body is in an Invalid.
func Fields(contentType string, body []byte) (url.Values, *Invalid) {
	if len(body) == 0 || !isJSON(contentType) {
		return ReadForm(contentType, body)
	}
	object, invalid := readObject(body, withoutText)
	if invalid != nil {
		return nil, invalid
	}
	// What was checked to be an object has members.
	var members map[string]json.RawMessage
	_ = json.Unmarshal(object, &members)
	values := make(url.Values)
	for _, p := range RouteLogin.operation(http.MethodPost).form {
		var text *string
		if raw, there := members[p.name]; there && json.Unmarshal(raw, &text) != nil {
			return nil, &Invalid{[]Detail{{Loc: []any{"body", p.name}, Msg: "str type expected", Type: "type_error.str"}}}
		}
		if text != nil {
			values.Set(p.name, *text)
		}
	}
	return values, nil
}
