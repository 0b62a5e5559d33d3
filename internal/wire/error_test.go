package wire

import (
	"encoding/json"
	"testing"
)

func TestAppendErrorWritesWhatItSays(t *testing.T) {
	got := string(AppendError([]byte("before "), "invalid_token", "the credential is not accepted", "4FT0AQ3Z1LKP"))
	want := `before {"error":"invalid_token","message":"the credential is not accepted","error_id":"4FT0AQ3Z1LKP"}` + "\n"
	if got != want {
		t.Errorf("got  %swant %s", got, want)
	}
}

func FuzzAppendErrorIsJSON(f *testing.F) {
	f.Add("code", "a \"message\"\n<script>\x00\xff", "id")
	f.Fuzz(func(t *testing.T, code, message, id string) {
		got := AppendError(nil, code, message, id)
		want, err := json.Marshal(Error{code, message, id})
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want)+"\n" {
			t.Errorf("got  %swant %s", got, want)
		}
	})
}
