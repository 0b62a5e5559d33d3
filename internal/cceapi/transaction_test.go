package cceapi

import (
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/cscp"
)

func set(name, value string) cscp.Set {
	return cscp.Set{OID: 3, Values: []cscp.Pair{{Name: name, Value: value}}}
}

func TestResults(t *testing.T) {
	create := cscp.Create{Class: "Vsite", Values: []cscp.Pair{{Name: "name", Value: "txn1"}}}
	const ok, fail = "201 OK\n", "401 FAIL\n"
	type step struct {
		command cscp.Command
		reply   string
	}
	for _, c := range []struct {
		name        string
		steps       []step
		commit      string
		independent bool
		status      int
		body        string
	}{
		{
			name: "nothing was queued", commit: ok, status: 200,
			body: `{"status":201,"message":"COMMIT successful","data":{"results":[]}}`,
		},
		{
			name:   "a good CREATE has its OID",
			steps:  []step{{create, "104 OBJECT 12\n" + ok}, {cscp.Destroy{OID: 8}, ok}},
			commit: ok, status: 200,
			body: `{"status":201,"message":"COMMIT successful","data":{"results":[
				{"command":"CREATE Vsite name = \"txn1\"","index":0,"message":"OK","oid":"12","status":201},
				{"command":"DESTROY 8","index":1,"message":"OK","status":201}]}}`,
		},
		{
			name:   "what handlers say is told",
			steps:  []step{{set("a", "1"), ok}},
			commit: "305 WARN \"[[lab.careful]]\"\n106 INFO \"[[lab.hello]]\"\n" + ok, status: 200,
			body: `{"status":201,"message":"COMMIT successful","data":{
				"errors":[{"code":305,"message":"WARN \"[[lab.careful]]\""}],
				"infos":[{"code":106,"message":"INFO \"[[lab.hello]]\""}],
				"results":[{"command":"SET 3 a = \"1\"","index":0,"message":"OK","status":201}]}}`,
		},
		{
			name:   "a handler fails at COMMIT: an error by itself, and no CREATE has an OID",
			steps:  []step{{create, "104 OBJECT 12\n" + ok}},
			commit: "305 WARN \"[[lab.broken]]\"\n" + fail, status: 409,
			body: `{"status":409,"message":"One or more commands in the transaction failed.","data":{
				"errors":[
					{"applied":false,"command":"COMMIT","error":"Error: 401 FAIL","index":1,"message":"FAIL","status":401},
					{"code":305,"message":"WARN \"[[lab.broken]]\""}],
				"results":[
					{"applied":false,"command":"CREATE Vsite name = \"txn1\"","index":0,"message":"OK","status":201},
					{"applied":false,"command":"COMMIT","error":"Error: 401 FAIL","index":1,"message":"FAIL","status":401}],
				"rolled_back":true}}`,
		},
		{
			name:   "cced is suspended at COMMIT",
			steps:  []step{{cscp.Destroy{OID: 8}, ok}},
			commit: "309 SUSPENDED \"backup\"\n" + fail, status: 409,
			body: `{"status":409,"message":"One or more commands in the transaction failed.","data":{
				"errors":[{"applied":false,"command":"COMMIT","error":"Error: 309 SUSPENDED \"backup\"","index":1,"message":"SUSPENDED","status":309}],
				"results":[
					{"applied":false,"command":"DESTROY 8","index":0,"message":"OK","status":201},
					{"applied":false,"command":"COMMIT","error":"Error: 309 SUSPENDED \"backup\"","index":1,"message":"SUSPENDED","status":309}],
				"rolled_back":true}}`,
		},
		{
			name: "all that is wrong with a command is told",
			steps: []step{{
				cscp.Set{OID: 7, Values: []cscp.Pair{{Name: "a", Value: "1"}, {Name: "b", Value: "2"}}},
				"302 BAD DATA 7 a \"[[x]]\"\n302 BAD DATA 7 b \"[[y]]\"\n" + fail,
			}},
			status: 409,
			body: `{"status":409,"message":"One or more commands in the transaction failed.","data":{
				"errors":[{"applied":false,"command":"SET 7 a = \"1\" b = \"2\"","error":"Error: 302 BAD DATA 7 a \"[[x]]\"; 302 BAD DATA 7 b \"[[y]]\"","index":0,"message":"BAD DATA","status":302}],
				"results":[{"applied":false,"command":"SET 7 a = \"1\" b = \"2\"","error":"Error: 302 BAD DATA 7 a \"[[x]]\"; 302 BAD DATA 7 b \"[[y]]\"","index":0,"message":"BAD DATA","status":302}],
				"rolled_back":true}}`,
		},
		{
			name:        "each for itself: what was good stays",
			steps:       []step{{create, "104 OBJECT 12\n" + ok}, {create, "104 OBJECT 13\n" + fail}},
			independent: true, status: 409,
			body: `{"status":409,"message":"One or more commands in the transaction failed.","data":{
				"errors":[{"applied":false,"command":"CREATE Vsite name = \"txn1\"","error":"Error: 401 FAIL","index":1,"message":"FAIL","status":401}],
				"results":[
					{"applied":true,"command":"CREATE Vsite name = \"txn1\"","index":0,"message":"OK","oid":"12","status":201},
					{"applied":false,"command":"CREATE Vsite name = \"txn1\"","error":"Error: 401 FAIL","index":1,"message":"FAIL","status":401}],
				"rolled_back":false}}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var results Results
			for _, s := range c.steps {
				results.Add(s.command, replyOf(t, s.reply))
			}
			if c.commit != "" {
				if results.Failed() {
					t.Fatal("COMMIT of what has failed")
				}
				results.Commit(replyOf(t, c.commit))
			}
			expect(t, results.Answer(c.independent), c.status, c.body)
		})
	}
}

func TestResultsHoldNoSecrets(t *testing.T) {
	hide := func(name []byte) bool { return string(name) == "pin" }
	results := Results{Hide: hide}
	ok := replyOf(t, "201 OK\n")
	values := []cscp.Pair{{Name: "fullName", Value: "Mary"}}
	for _, name := range []string{"password", "readWriteCommunity", "cryptPass", "smtp_API_KEY", "clientSecret", "pin"} {
		values = append(values, cscp.Pair{Name: name, Value: "hunter2"})
	}
	results.Add(cscp.Set{OID: 3, Values: values}, ok)
	results.Add(cscp.Create{Class: "User", Values: values}, ok)
	if values[1].Value != "hunter2" {
		t.Error("the command itself was changed")
	}
	body := string(results.Answer(false).Body)
	if strings.Contains(body, "hunter2") || strings.Count(body, `\"********\"`) != 12 || strings.Count(body, `fullName = \"Mary\"`) != 2 {
		t.Error(body)
	}
}
