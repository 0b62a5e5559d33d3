package howler

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sample is a request to howler and its answer. Ours is set where we answer
// otherwise.
type sample struct {
	ID      string `json:"id"`
	Source  string `json:"source"`
	Request struct {
		Method  string            `json:"method"`
		Path    string            `json:"path"`
		Query   map[string]string `json:"query"`
		Headers map[string]string `json:"headers"`
		JSON    json.RawMessage   `json:"json"`
	} `json:"request"`
	Howler answer  `json:"howler"`
	Ours   *answer `json:"-"`
}

type answer struct {
	Status   int            `json:"status"`
	JSON     map[string]any `json:"json"`
	Contains map[string]any `json:"json_contains"`
	Body     string         `json:"body"`
}

func (s *sample) want() answer {
	if s.Ours != nil {
		return *s.Ours
	}
	return s.Howler
}

func readSamples(t *testing.T) []sample {
	t.Helper()
	var file struct {
		Samples     []sample `json:"samples"`
		Differences []struct {
			ID   string `json:"id"`
			Ours answer `json:"ours"`
		} `json:"differences"`
	}
	for _, name := range []string{"samples.json", "differences.json"} {
		text, err := os.ReadFile("../../caddyauth/testdata/howler/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &file); err != nil {
			t.Fatal(err)
		}
	}
	for i := range file.Differences {
		at := slices.IndexFunc(file.Samples, func(s sample) bool { return s.ID == file.Differences[i].ID })
		file.Samples[at].Ours = &file.Differences[i].Ours
	}
	return file.Samples
}

// rulesOf are the settings of howler that some samples were taken with.
var rulesOf = map[string]KeyRules{
	"test-create-too-late":     {MaxLifetime: 10 * 24 * time.Hour},
	"test-create-no-date":      {MaxLifetime: 10 * 24 * time.Hour},
	"test-create-extended-off": {NoExtended: true},
}

// decide answers as far as the form of a request allows; nil means that it takes
// a look at users and keys.
func (s *sample) decide() *Failure {
	target, failure := Route(s.Request.Method, strings.TrimPrefix(s.Request.Path, "/api"), s.Request.Path)
	if failure != nil {
		return failure
	}
	if !target.Public {
		header := strings.NewReplacer("<app_token of doc-login-password>", "user:00", "<admin app token>", "admin:00").Replace(s.Request.Headers["Authorization"])
		// Of a JWT only the form is needed.
		header = regexp.MustCompile(`<.*JWT.*>`).ReplaceAllString(header, "e30.e30.e30")
		if failure := CheckAuthorization(header); failure != nil {
			return failure
		}
	}
	if target.UserTypes != nil {
		return WrongUserType(s.Request.Path, target.UserTypes)
	}
	if target.Action == LogIn {
		asked := query("")
		for name, value := range s.Request.Query {
			asked.Set(name, value)
		}
		_, failure = ParseLogin(jsonType, s.Request.JSON, asked)
	}
	if target.Action == CreateKey {
		rules := rulesOf[s.ID]
		rules.NameFree = func(name string) *Failure {
			if s.ID == "test-create-duplicate" {
				return KeyExists(name)
			}
			return nil
		}
		_, failure = ParseNewKey(s.body(), rules, now)
	}
	return failure
}

func (s *sample) body() []byte {
	text := strings.ReplaceAll(string(s.Request.JSON), "<now + 1 day, ISO>", now.AddDate(0, 0, 1).Format(time.RFC3339))
	return []byte(strings.ReplaceAll(text, "<now + 20 days>", now.AddDate(0, 0, 20).Format(time.RFC3339)))
}

// TestSamples plays what can be told without knowing any user. The handler's
// tests play all of them.
func TestSamples(t *testing.T) {
	var decided []string
	for _, s := range readSamples(t) {
		failure := s.decide()
		if failure == nil {
			continue
		}
		decided = append(decided, s.ID)
		if failure.Status != s.want().Status {
			t.Errorf("%s (%s): got %d %s", s.ID, s.Source, failure.Status, failure.Text)
		}
		if diff := s.fits(written(t, failure)); diff != "" {
			t.Errorf("%s (%s) (-want +got):\n%s", s.ID, s.Source, diff)
		}
	}
	want := []string{
		"code-404", "code-admin-type", "code-basic-badpadding", "code-create-E-and-I", "code-create-bad-letter",
		"code-create-body-list", "code-no-blank", "code-no-header", "code-other-scheme", "code-two-blanks",
		"test-both", "test-create-bad-date", "test-create-bad-date-2", "test-create-duplicate", "test-create-extended-off",
		"test-create-no-date", "test-create-too-late", "test-empty", "test-login-get-apikey",
	}
	slices.Sort(decided)
	if diff := cmp.Diff(want, decided); diff != "" {
		t.Errorf("decided by form (-want +got):\n%s", diff)
	}
}

// TestAllFailuresOfTheSamplesAreKnown finds texts that nobody could answer.
func TestAllFailuresOfTheSamplesAreKnown(t *testing.T) {
	named := []*Failure{
		NoAuthorization, MalformedAuthorization, WrongScheme, NoAccess, NotBase64, InvalidLogin, InvalidToken, UndecodableToken,
		QueryCredentials, NotEnough, BothCredentials, ExpiredKey, OAuthDisabled, UnknownProvider, NotAllowed, NoAutoCreation, InvalidData, UnknownPrivilege, ExtendedDisabled,
		ExtendedImpersonation, ExpiryNeeded, ExpiryFormat, NoSuchKey, OtherUser, LockedOut(5, time.Minute), KeyExists("tester"),
		UnknownPath("/api/v1/nothing"), WrongUserType("/api/v1/user/newone", []string{"admin"}), ExpiryTooLate(now),
		ImpersonationKey, NotImpersonationKey, NoImpersonatedUser, WrongImpersonatingScheme,
	}
	unused := slices.Clone(named)
	for _, s := range readSamples(t) {
		if s.want().Status < 400 {
			continue
		}
		fits := func(f *Failure) bool { return f.Status == s.want().Status && s.fits(written(t, f)) == "" }
		if !slices.ContainsFunc(named, fits) {
			t.Errorf("%s (%s): no failure is %v", s.ID, s.Source, s.want())
		}
		unused = slices.DeleteFunc(unused, fits)
	}
	for _, f := range unused {
		t.Errorf("no sample says '%s'", f.Text)
	}
}

func written(t *testing.T, f *Failure) map[string]any {
	t.Helper()
	text, err := f.Envelope("1.2.3").Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	var read map[string]any
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	return read
}

// fits compares an envelope with the one that is wanted. A text between slashes
// is a pattern, and the version is free.
func (s *sample) fits(got map[string]any) string {
	want := s.want().JSON
	if want == nil {
		want = s.want().Contains
	}
	return cmp.Diff(want, got, cmp.FilterValues(func(a, b string) bool { return isPattern(a) || isPattern(b) },
		cmp.Comparer(func(a, b string) bool { return fitsPattern(a, b) || fitsPattern(b, a) })))
}

func isPattern(text string) bool { return text == "<any>" || strings.HasPrefix(text, "/^") }

func fitsPattern(pattern, text string) bool {
	if pattern == "<any>" {
		return true
	}
	return isPattern(pattern) && regexp.MustCompile(strings.Trim(pattern, "/")).MatchString(text)
}
