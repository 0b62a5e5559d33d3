package intelmqapi

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/intelmqctl"
)

// document is what the test looks at of an OpenAPI 3.1 document. Members that
// are not here are unknown to the test, and so a fault.
type document struct {
	OpenAPI string                                       `json:"openapi"`
	Info    struct{ Title, Version, Description string } `json:"info"`
	Servers []struct {
		URL string `json:"url"`
	} `json:"servers"`
	Paths      map[string]map[string]described `json:"paths"`
	Components struct {
		SecuritySchemes map[string]map[string]string `json:"securitySchemes"`
		Schemas         map[string]schema            `json:"schemas"`
	} `json:"components"`
	Security []map[string][]string `json:"security"`
}

type described struct {
	OperationID string `json:"operationId"`
	Summary     string `json:"summary"`
	Parameters  []struct {
		Name     string `json:"name"`
		In       string `json:"in"`
		Required bool   `json:"required"`
		Schema   schema `json:"schema"`
	} `json:"parameters"`
	RequestBody *struct {
		Required bool             `json:"required"`
		Content  map[string]media `json:"content"`
	} `json:"requestBody"`
	Responses map[string]struct {
		Description string           `json:"description"`
		Content     map[string]media `json:"content"`
	} `json:"responses"`
	Security *[]map[string][]string `json:"security"`
}

type media struct {
	Schema schema `json:"schema"`
}

type schema struct {
	Ref         string            `json:"$ref"`
	Type        any               `json:"type"`
	Description string            `json:"description"`
	Enum        []string          `json:"enum"`
	Pattern     string            `json:"pattern"`
	Default     any               `json:"default"`
	Properties  map[string]schema `json:"properties"`
	Required    []string          `json:"required"`
	Items       *schema           `json:"items"`
}

func describedAPI(t *testing.T, base string) document {
	t.Helper()
	var d document
	decoder := json.NewDecoder(strings.NewReader(string(OpenAPI(base))))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTheDescriptionSaysWhereTheAPIIs(t *testing.T) {
	for base, want := range map[string]string{"": "/v1/api", "/intelmq": "/intelmq/v1/api"} {
		if d := describedAPI(t, base); d.OpenAPI != "3.1.0" || d.Servers[0].URL != want || d.Info.Title == "" || d.Info.Version != "3.3.0" {
			t.Errorf("'%s': %+v %+v", base, d.Info, d.Servers)
		}
	}
}

// TestTheDescriptionHasEachRoute asks as the description says, so that it cannot
// differ from what Parse does.
func TestTheDescriptionHasEachRoute(t *testing.T) {
	d := describedAPI(t, "")
	var routes []string
	for _, e := range table {
		routes = append(routes, "/"+string(e.route))
		var methods []string
		for method := range d.Paths["/"+string(e.route)] {
			methods = append(methods, strings.ToUpper(method))
		}
		allowed := slices.DeleteFunc(e.route.Methods(), func(m string) bool { return m == "HEAD" || m == "OPTIONS" })
		if slices.Sort(methods); !slices.Equal(methods, allowed) {
			t.Errorf("%s: methods %v, want %v", e.route, methods, allowed)
		}
	}
	slices.Sort(routes)
	if got := slices.Sorted(maps.Keys(d.Paths)); !slices.Equal(got, routes) {
		t.Errorf("paths %v, want %v", got, routes)
	}
}

func TestTheDescriptionIsTrueOfArguments(t *testing.T) {
	for path, methods := range describedAPI(t, "").Paths {
		route := Route(path[1:])
		for method, o := range methods {
			method = strings.ToUpper(method)
			query := ""
			for _, p := range o.Parameters {
				query += "&" + p.Name + "=" + example(p.Schema)
			}
			if _, invalid := Parse(route, method, query, goodForm(o)); invalid != nil {
				t.Errorf("%s %s?%s: %s", method, route, query, marshal(invalid))
			}
			for _, p := range o.Parameters {
				without := strings.Replace(query, "&"+p.Name+"="+example(p.Schema), "", 1)
				if _, invalid := Parse(route, method, without, goodForm(o)); (invalid != nil) != p.Required {
					t.Errorf("%s %s without '%s': required is %v, %v", method, route, p.Name, p.Required, invalid)
				}
				for _, word := range p.Schema.Enum {
					if _, invalid := Parse(route, method, query+"&"+p.Name+"="+word, goodForm(o)); invalid != nil {
						t.Errorf("%s %s: '%s' is refused for '%s'", method, route, word, p.Name)
					}
				}
				if _, invalid := Parse(route, method, query+"&"+p.Name+"=%0A", goodForm(o)); (invalid == nil) != isAnyText(p.Schema) {
					t.Errorf("%s %s: '%s' takes anything, or not, unlike its schema %+v", method, route, p.Name, p.Schema)
				}
			}
		}
	}
}

func isAnyText(s schema) bool { return s.Type == "string" && s.Enum == nil && s.Pattern == "" }

func example(s schema) string {
	switch {
	case s.Enum != nil:
		return s.Enum[0]
	case s.Type == "integer":
		return "1"
	case s.Type == "boolean":
		return "true"
	}
	return "a"
}

// goodForm has each field of a form with a text.
func goodForm(o described) map[string][]string {
	form := make(map[string][]string)
	if o.RequestBody != nil {
		for name := range o.RequestBody.Content[formURLEncoded].Schema.Properties {
			form[name] = []string{"{}"}
		}
	}
	return form
}

func TestTheDescriptionIsWhole(t *testing.T) {
	d := describedAPI(t, "")
	names := make(map[string]bool)
	for path, methods := range d.Paths {
		for method, o := range methods {
			if o.Summary == "" || o.OperationID == "" || names[o.OperationID] {
				t.Errorf("%s %s: id '%s', summary '%s'", method, path, o.OperationID, o.Summary)
			}
			names[o.OperationID] = true
			for status, r := range o.Responses {
				if r.Description == "" || len(r.Content) == 0 {
					t.Errorf("%s %s: response %s is empty", method, path, status)
				}
				for _, m := range r.Content {
					name, isRef := strings.CutPrefix(m.Schema.Ref, "#/components/schemas/")
					if _, there := d.Components.Schemas[name]; isRef && !there {
						t.Errorf("%s %s: there is no '%s'", method, path, m.Schema.Ref)
					}
				}
			}
			if isOpen := o.Security != nil && len(*o.Security) == 0; isOpen == Route(path[1:]).NeedsLogin() {
				t.Errorf("%s %s: open to all is %v", method, path, isOpen)
			}
		}
	}
	for _, scheme := range d.Security {
		for name := range scheme {
			if d.Components.SecuritySchemes[name] == nil {
				t.Errorf("there is no security scheme '%s'", name)
			}
		}
	}
}

func TestBodiesOfTheDescription(t *testing.T) {
	d := describedAPI(t, "")
	login := d.Paths["/login"]["post"].RequestBody
	if got := slices.Sorted(maps.Keys(login.Content)); !login.Required || strings.Join(got, " ") != "application/json application/x-www-form-urlencoded multipart/form-data" {
		t.Errorf("login: %v", got)
	}
	if s := login.Content[typeJSON].Schema; strings.Join(s.Required, " ") != "username password" {
		t.Errorf("login wants %v", s.Required)
	}
	if run := d.Paths["/run"]["post"].RequestBody; run.Required || run.Content[typeJSON].Schema.Type != nil {
		t.Errorf("run: %+v", run)
	}
	for _, path := range []string{"/runtime", "/positions"} {
		if save := d.Paths[path]["post"]; !save.RequestBody.Required || save.Responses["412"].Description == "" || save.Responses["403"].Description == "" {
			t.Errorf("%s: %+v", path, save)
		}
	}
}

func TestThePatternOfNamesIsThatOfTheCommand(t *testing.T) {
	pattern := regexp.MustCompile(namePattern)
	for c := range 256 {
		for _, name := range []string{string([]byte{byte(c)}), "a" + string([]byte{byte(c)})} {
			_, err := intelmqctl.ParseID(name)
			if pattern.MatchString(name) != (err == nil) {
				t.Errorf("'%s': the pattern says %v, the command %v", name, err != nil, err)
			}
		}
	}
}
