package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/sallyport/sallyport/internal/cscp"
)

// account is who reads, and what. For a real cced it stands in the environment.
type account struct {
	user     string
	password cscp.Secret
	// found is the class that FINDX looks for by a pattern of the property, and
	// listed the one that GETALL and GET read objects of.
	found, listed, property string
}

func (f *files) account() account {
	class := os.Getenv("CCED_CLASS")
	if class == "" && f.realCced {
		class = "User"
	}
	return account{
		user:     cmp.Or(os.Getenv("CCED_USER"), "admin"),
		password: cscp.Secret(cmp.Or(os.Getenv("CCED_PASSWORD"), "secret-1")),
		found:    cmp.Or(class, "Alias"),
		listed:   cmp.Or(class, "User"),
		property: cmp.Or(os.Getenv("CCED_PROPERTY"), "name"),
	}
}

// pattern is that of all objects that are read. The stand-in has other users too.
func (f *files) pattern() string {
	if f.realCced {
		return "."
	}
	return "^bench"
}

// reading is a session of cced, and what is read in it.
type reading struct {
	session cscp.Session
	find    cscp.Find
	// found are the hits, and listed those that GETALL reads.
	found, listed []cscp.OID
}

// fields are a body of the endpoint.
type fields map[string]any

// prepareReading logs in through the endpoint, finds the objects, and writes the
// bodies of the requests and the upstream's answer.
func (f *files) prepareReading(ctx context.Context, url string) (*reading, error) {
	a := f.account()
	var login struct{ Data struct{ SessionID string } }
	if err := call(ctx, url, fields{"cmd": "AUTH", "user": a.user, "password": string(a.password)}, &login); err != nil {
		return nil, fmt.Errorf("AUTH as '%s': %w", a.user, err)
	}
	r := &reading{session: cscp.Session{User: a.user, ID: cscp.Secret(login.Data.SessionID)}}
	r.find = cscp.Find{Class: a.found, Criteria: []cscp.Criterion{{Property: a.property, Value: f.pattern(), Regexp: true}}}
	in := func(body fields) fields {
		body["user"], body["sessionid"] = a.user, login.Data.SessionID
		return body
	}
	findX := func(class string) fields {
		return in(fields{"cmd": "FINDX", "class": class, "regex_args": fields{a.property: f.pattern()}})
	}
	var err error
	if r.found, err = foundBy(ctx, url, findX(a.found)); err != nil {
		return nil, err
	}
	if r.listed, err = foundBy(ctx, url, findX(a.listed)); err != nil {
		return nil, err
	}
	r.listed = r.listed[:min(len(r.listed), users)]
	get := in(fields{"cmd": "GET", "oid": r.listed[0]})
	answer, err := post(ctx, url, get)
	if err != nil {
		return nil, fmt.Errorf("GET: %w", err)
	}
	return r, errors.Join(
		os.WriteFile(f.answer, answer, 0o600),
		writeJSON(f.findX, findX(a.found)),
		writeJSON(f.getAll, in(fields{"cmd": "GETALL", "oids": r.listed})),
		writeJSON(f.get, get),
	)
}

// foundBy are the objects that a FINDX finds, at least one.
func foundBy(ctx context.Context, url string, findX fields) ([]cscp.OID, error) {
	var found struct{ Data struct{ OIDList []string } }
	if err := call(ctx, url, findX, &found); err != nil {
		return nil, fmt.Errorf("FINDX: %w", err)
	}
	var oids []cscp.OID
	for _, text := range found.Data.OIDList {
		oid, err := cscp.ParseOID(text)
		if err != nil {
			return nil, err
		}
		oids = append(oids, oid)
	}
	if len(oids) == 0 {
		return nil, fmt.Errorf("there is no object of class '%s' to read; set CCED_CLASS and CCED_PROPERTY", findX["class"])
	}
	return oids, nil
}

func writeJSON(path string, body fields) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

// call posts a body and reads the answer into a value.
func call(ctx context.Context, url string, body fields, into any) error {
	text, err := post(ctx, url, body)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

func post(ctx context.Context, url string, body fields) ([]byte, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	response, err := (&http.Client{Timeout: time.Minute}).Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("the answer is HTTP %d %s", response.StatusCode, answer)
	}
	return answer, err
}
