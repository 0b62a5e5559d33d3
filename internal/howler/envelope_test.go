package howler

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

func TestEnvelopesHaveHowlersKeysAndNoOthers(t *testing.T) {
	for name, test := range map[string]struct {
		envelope Envelope
		want     string
	}{
		"success with a payload": {
			Success("1.2.3", []string{"v1"}),
			`{"api_response":["v1"],"api_error_message":"","api_warning":[],"api_server_version":"1.2.3","api_status_code":200}`,
		},
		"success without": {
			Success("1.2.3", nil),
			`{"api_response":{"success":true},"api_error_message":"","api_warning":[],"api_server_version":"1.2.3","api_status_code":200}`,
		},
		"failure": {
			NoSuchKey.Envelope("1.2.3"),
			`{"api_response":{"success":false},"api_error_message":"Api key does not exist","api_warning":[],"api_server_version":"1.2.3","api_status_code":404}`,
		},
		"failure with what the client sent": {
			UnknownPath("/api/\"<b>\x00\xff").Envelope("1.2.3"),
			`{"api_response":{"success":false},"api_error_message":"Api does not exist (/api/\"\u003cb\u003e\u0000\ufffd)","api_warning":[],"api_server_version":"1.2.3","api_status_code":404}`,
		},
		"warnings": {
			Envelope{Warnings: []string{"the key expires tomorrow"}, Status: 200},
			`{"api_response":{"success":true},"api_error_message":"","api_warning":["the key expires tomorrow"],"api_server_version":"","api_status_code":200}`,
		},
	} {
		got, err := test.envelope.Append([]byte("before "))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if want := "before " + test.want + "\n"; string(got) != want {
			t.Errorf("%s:\ngot  %swant %s", name, got, want)
		}
	}
}

func TestAPayloadThatIsNoJSONIsAnError(t *testing.T) {
	got, err := Success("1.2.3", math.NaN()).Append([]byte("before "))
	if err == nil || string(got) != "before " {
		t.Errorf("got '%s', %v", got, err)
	}
}

func TestTextsWithNumbersAndNames(t *testing.T) {
	for _, test := range []struct {
		got    *Failure
		status int
		want   string
	}{
		{LockedOut(5, time.Minute), 401, "Maximum password retry of 5 was reached. This account is locked for the next 60 seconds..."},
		{LockedOut(3, 1500*time.Millisecond), 401, "Maximum password retry of 3 was reached. This account is locked for the next 2 seconds..."},
		{KeyExists("ci"), 400, "APIKey 'ci' already exists"},
		{ExpiryTooLate(now.In(time.FixedZone("", 3600))), 400, "Expiry date must be before 2026-11-22T10:30:00Z."},
		{WrongUserType("/api/v1/user/x", []string{"admin", "user"}), 403, "/api/v1/user/x requires one of the following user types: admin, user"},
		{NoSuchUser("x"), 404, "User x does not exist"},
		{UnknownPath("/api/v1/nothing"), 404, "Api does not exist (/api/v1/nothing)"},
		{MethodNotAllowed("GET, HEAD"), 405, "Method not allowed. Use GET, HEAD."},
		{BadRequest("the name is too long"), 400, "the name is too long"},
	} {
		if test.got.Status != test.status || test.got.Text != test.want || test.got.Code == "" {
			t.Errorf("got  %+v\nwant %d %s", *test.got, test.status, test.want)
		}
	}
}

func TestNoAnswerIsMuchLongerThanThePathsThatThereAre(t *testing.T) {
	got := UnknownPath("/" + strings.Repeat("é", 100_000)).Text
	if len(got) > 2100 || !strings.HasSuffix(got, "é…)") {
		t.Errorf("%d bytes, ending in '%s'", len(got), got[len(got)-20:])
	}
}

// TestSecretsPrintAsRedacted goes through all that holds one. The answers tell
// theirs in JSON, and nowhere else.
func TestSecretsPrintAsRedacted(t *testing.T) {
	login, _ := ParseLogin(jsonType, []byte(`{"user":"a","apikey":"ci:hunter2","refresh_token":"hunter2"}`), nil)
	change, _ := ParsePasswordChange(jsonType, []byte(`{"old_password":"hunter2","new_password":"hunter2"}`), nil)
	for _, value := range []any{
		login, &login, change, &change,
		Login{Password: secret("hunter2")},
		LoginAnswer{AppToken: secret("hunter2"), RefreshToken: secret("hunter2")},
		KeyAnswer{Secret: secret("hunter2")},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			if text := fmt.Sprintf(verb, value); strings.Contains(text, "hunter2") || strings.Contains(text, "68756e74657232") {
				t.Errorf("%T by %s: %s", value, verb, text)
			}
		}
	}
	for _, value := range []any{login, change} {
		if text, err := json.Marshal(value); err != nil || strings.Contains(string(text), "hunter2") {
			t.Errorf("%T: %s, %v", value, text, err)
		}
	}
}

func BenchmarkFailure(b *testing.B) {
	b.ReportAllocs()
	buffer := make([]byte, 0, 512)
	for b.Loop() {
		if _, err := InvalidLogin.Envelope("1.2.3").Append(buffer); err != nil {
			b.Fatal(err)
		}
	}
}
