package howler

import "testing"

func TestAuthorizationHeaders(t *testing.T) {
	for value, want := range map[string]*Failure{
		"Basic dXNlcjp1c2Vy":     nil,
		"basic dXNlcjp1c2Vy":     nil,
		"Basic dXNlcg==":         nil,
		"Bearer user:00":         nil,
		"bEARER x":               nil,
		"":                       NoAuthorization,
		"Basic":                  MalformedAuthorization,
		"Basic ":                 MalformedAuthorization,
		" Basic":                 MalformedAuthorization,
		"Basic a b":              MalformedAuthorization,
		"Basic  dXNlcjp1c2Vy":    MalformedAuthorization,
		"Digest a b":             MalformedAuthorization,
		"Digest abc":             WrongScheme,
		"Basic abc":              NotBase64,
		"Basic !!!!":             NotBase64,
		"Basic dXNlcjp1c2Vy\n":   NotBase64,
		"Basic dXNlcjp1\r\nc2Vy": NotBase64,
		"Basic YTr/":             NotBase64,
		"Basic dXNlch==":         NotBase64,
	} {
		if got := CheckAuthorization(value); got != want {
			t.Errorf("'%s': got '%s', want '%s'", value, told(got), told(want))
		}
	}
}

func TestWhatIsToldOfABearerValue(t *testing.T) {
	for value, want := range map[string]*Failure{
		"abc": InvalidToken, "user:00": InvalidToken, "first.middle.last:00": InvalidToken, "a.b": InvalidToken, "a.b.c": UndecodableToken,
	} {
		if got := RefusedBearer(value); got != want {
			t.Errorf("'%s': got '%s', want '%s'", value, told(got), told(want))
		}
	}
}

func FuzzCheckAuthorization(f *testing.F) {
	for _, value := range []string{"", "Basic dXNlcjp1c2Vy", "Bearer a.b.c", "Basic a b", "Digest x"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if failure := CheckAuthorization(value); failure != nil && failure.Status != 400 && failure.Status != 401 {
			t.Errorf("%+v", *failure)
		}
	})
}
