package howler

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/principal"
)

func TestWhoAmIHasAllOfHowlersKeys(t *testing.T) {
	for name, test := range map[string]struct {
		who  WhoAmI
		want map[string]any
	}{
		"nothing is known": {
			WhoAmI{},
			map[string]any{
				"username": "", "name": "", "email": nil, "groups": []any{}, "is_active": false, "is_admin": false, "roles": []any{},
				"classification": "", "avatar": nil, "api_quota": 0.0, "apikeys": []any{},
				"favourite_views": []any{}, "favourite_analytics": []any{}, "dashboard": []any{}, "refresh_rate": 15.0,
			},
		},
		"the record of a user by name": {
			WhoAmI{
				Username: "alice", Name: "alice", Quota: 25, Record: &Record{},
				Keys: []KeyTriple{{Name: "impersonate_ci", Impersonation: true, NameOnly: true}},
			},
			map[string]any{
				"username": "alice", "name": "alice", "email": nil, "groups": []any{}, "is_active": false, "is_admin": false, "roles": []any{},
				"classification": "", "avatar": nil, "api_quota": 25.0, "apikeys": []any{[]any{"impersonate_ci", []any{}}},
				"favourite_views": []any{}, "favourite_analytics": []any{}, "dashboard": []any{}, "refresh_rate": 15.0,
				"uname": "alice", "has_password": false,
			},
		},
		"all is known": {
			WhoAmI{
				Username: "alice", Name: "Alice", Email: "alice@example.org", Groups: []string{"ops"}, Roles: []string{"admin", "user"},
				Active: true, Admin: true,
				Keys: []KeyTriple{{Name: "ci", Scopes: principal.Read}, {Name: "cd", NameOnly: true, Scopes: principal.AllScopes, Expires: now}},
			},
			map[string]any{
				"username": "alice", "name": "Alice", "email": "alice@example.org", "groups": []any{"ops"}, "is_active": true, "is_admin": true,
				"roles": []any{"admin", "user"}, "classification": "", "avatar": nil, "api_quota": 0.0,
				"apikeys":         []any{[]any{"ci", []any{"R"}, nil}, []any{"cd", []any{}}},
				"favourite_views": []any{}, "favourite_analytics": []any{}, "dashboard": []any{}, "refresh_rate": 15.0,
			},
		},
	} {
		if diff := cmp.Diff(any(test.want), asJSON(t, test.who)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestAKeyForImpersonationHasItsLetterLast(t *testing.T) {
	got := asJSON(t, KeyTriple{Name: "impersonate_ci", Scopes: principal.Write | principal.Read, Impersonation: true})
	if diff := cmp.Diff(any([]any{"impersonate_ci", []any{"R", "W", "I"}, nil}), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestKeysOfWhoAmIExpireInUTC(t *testing.T) {
	expires := now.Add(1500 * time.Microsecond).In(time.FixedZone("", 3600))
	got := asJSON(t, KeyTriple{Name: "ci", Scopes: principal.Extended | principal.Read, Expires: expires})
	if diff := cmp.Diff(any([]any{"ci", []any{"R", "E"}, "2026-11-22T10:30:00.0015Z"}), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
