package cceapi

import (
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/cscp"
)

func TestAnswers(t *testing.T) {
	zone := time.FixedZone("", 2*60*60)
	for _, c := range []struct {
		name   string
		answer *Answer
		status int
		body   string
	}{
		{"PING", Pong(), 202, `{"status":202,"message":"PONG"}`},
		{"BYE, ENDKEY and AUTHKEY, good", Done(), 200, `{"status":201,"message":"GOODBYE"}`},
		{"AUTH, good", SessionIssued("8gxlOYtL"), 200, `{"status":201,"message":"GOODBYE","data":{"sessionid":"8gxlOYtL"}}`},
		{
			"LOGIN, good", TokenIssued("t0ken", time.Date(2025, 8, 6, 12, 0, 0, 0, zone)), 200,
			`{"status":201,"message":"TOKEN ISSUED","data":{"expires":"2025-08-06T12:00:00+02:00","token":"t0ken"}}`,
		},
		{"BEGIN", Begun(), 200, `{"status":201,"message":"BEGIN OK"}`},
		{"a change in a transaction", Queued(), 200, `{"status":100,"message":"QUEUED"}`},
		{"FINDX that was checked", Found([]string{"6", "7"}), 200, `{"status":201,"message":"OK","data":{"oidlist":["6","7"]}}`},
		{"FINDX that was checked and found nothing", Found(nil), 200, `{"status":201,"message":"OK","data":{"oidlist":[]}}`},
		{"FIND that was checked", Listed([]string{"6", "7"}), 200, `{"status":201,"message":"GOODBYE","data":{"oidlist":["6","7"]}}`},
		{"FIND that was checked and found nothing", Listed(nil), 200, `{"status":201,"message":"GOODBYE"}`},

		{"a stranger", Forbidden(), 403, "Forbidden"},
		{"a wrong client secret", WrongSecret(), 401, "Unauthorized: invalid client secret"},
		{"AUTH from elsewhere", AuthFromRemote(), 403, `{"status":403,"message":"AUTH and AUTHKEY only allowed from localhost"}`},
		{"LOGIN from here", LoginFromLocalhost(), 403, `{"status":403,"message":"LOGIN not allowed from localhost"}`},
		{"a failed log-in", LoginFailed(false), 401, `{"status":401,"message":"GOODBYE","data":{"errors":[{"code":401,"message":"FAIL"}]}}`},
		{"a failed log-in of a command of ours", LoginFailed(true), 401, `{"status":401,"message":"OK","data":{"errors":[{"code":401,"message":"FAIL"}]}}`},
		{"a failed log-in before WHOAMI", WhoAmIRefused(), 401, `{"status":201,"message":"GOODBYE","data":{"errors":[{"code":401,"message":"FAIL"}],"oid":"-1"}}`},
		{
			"a command that the caller may not use", Denied(false, "SET"), 403,
			`{"status":401,"message":"GOODBYE","data":{"errors":[{"code":304,"message":"PERMISSION DENIED SET"},{"code":401,"message":"FAIL"}]}}`,
		},
		{"GETOBJECT that finds nothing", ObjectNotFound(), 404, `{"status":404,"message":"Object not found"}`},
		{"COMMIT without BEGIN", NoTransaction(), 400, `{"status":400,"message":"No active transaction"}`},
		{"BEGIN after BEGIN", TransactionOpen(), 400, `{"status":400,"message":"A transaction is already open"}`},
		{"GET and the like", MethodNotAllowed(), 405, `{"status":405,"message":"only POST is allowed"}`},
		{"a large body", TooLarge(), 413, `{"status":413,"message":"the body is too large"}`},
		{"too many guesses", TooMany(time.Minute), 429, `{"status":429,"message":"too many failed log-ins"}`},
		{"too much to do", Busy("ID1", time.Second), 503, `{"status":503,"message":"too many commands at once","error_id":"ID1"}`},
		{"an error of ours", Internal("ID2"), 500, `{"status":500,"message":"internal error","error_id":"ID2"}`},
		{"no cced", Unreachable("ID3"), 502, `{"status":502,"message":"cced cannot be reached","error_id":"ID3"}`},
		{"a reply that makes no sense", BadReply("ID4"), 502, `{"status":502,"message":"cced's reply cannot be read","error_id":"ID4"}`},
		{"no time left", Deadline("ID5"), 504, `{"status":504,"message":"cced has not answered in time","error_id":"ID5"}`},
		{"a change that was cut off", UnknownOutcome("SET", "ID6", false), 502, `{"status":502,"message":"it is not known whether SET has been carried out","error_id":"ID6"}`},
		{"a change that took too long", UnknownOutcome("COMMIT", "ID7", true), 504, `{"status":504,"message":"it is not known whether COMMIT has been carried out","error_id":"ID7"}`},
	} {
		t.Run(c.name, func(t *testing.T) { expect(t, c.answer, c.status, c.body) })
	}
	if a := TooMany(time.Minute); a.RetryAfter != time.Minute {
		t.Errorf("too many guesses may be followed by another after %v", a.RetryAfter)
	}
	if a := Busy("", time.Second); a.RetryAfter != time.Second {
		t.Errorf("a busy cced may be asked after %v", a.RetryAfter)
	}
}

func TestHTTPStatus(t *testing.T) {
	for code, want := range map[int]int{
		100: 200, 201: 200, 202: 202,
		300: 404, 301: 404, 303: 404, 404: 404,
		302: 422, 304: 403, 306: 400, 309: 503,
		307: 502, 310: 502,
		401: 401, 402: 400, 403: 400,
		409: 409, 500: 500, 502: 502, 504: 504,
	} {
		if got := HTTPStatus(code); got != want {
			t.Errorf("%d becomes %d, want %d", code, got, want)
		}
	}
}

func TestEachCodeOfAFailureHasAMessage(t *testing.T) {
	for _, code := range []int{
		cscp.CodeUnknownObject, cscp.CodeUnknownClass, cscp.CodeBadData, cscp.CodeUnknownNamespace,
		cscp.CodePermissionDenied, cscp.CodeError, cscp.CodeSuspended, cscp.CodeFail, cscp.CodeBadCommand,
		cscp.CodeBadParameters,
	} {
		if messages[code] == "" {
			t.Errorf("%d has none", code)
		}
	}
	if messageOf(310) != "FAIL" {
		t.Errorf("a code that is not known has '%s'", messageOf(310))
	}
}
