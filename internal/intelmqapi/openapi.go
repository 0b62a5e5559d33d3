package intelmqapi

import (
	"slices"
	"strings"
)

// OpenAPI describes the routes below a base path, which may be empty, as an
// OpenAPI 3.1 document.
func OpenAPI(base string) []byte {
	paths := make(map[string]node)
	for _, e := range table {
		item := make(node)
		for _, o := range e.operations {
			item[strings.ToLower(o.method)] = o.describe(e.route)
		}
		paths["/"+string(e.route)] = item
	}
	return marshal(node{
		"openapi": "3.1.0",
		"info": node{
			"title":       "IntelMQ",
			"version":     contractVersion,
			"description": "Looks at the bots of IntelMQ, starts and stops them, and saves their configuration.",
		},
		"servers":    list{node{"url": base + strings.TrimSuffix(prefixes[0], "/")}},
		"paths":      paths,
		"components": node{"securitySchemes": securitySchemes(), "schemas": schemas()},
		"security":   list{node{"token": list{}}, node{"bearer": list{}}, node{"key": list{}}},
	})
}

// node is a JSON object, whose members are written in alphabetical order.
type node map[string]any

type list []any

func securitySchemes() node {
	return node{
		"token":  node{"type": "apiKey", "in": "header", "name": "Authorization", "description": "The token of login, alone."},
		"bearer": node{"type": "http", "scheme": "bearer"},
		"key":    node{"type": "apiKey", "in": "header", "name": "X-Api-Key"},
	}
}

func schemas() node {
	text := node{"type": "string"}
	return node{
		"Error": node{"type": "object", "required": list{"error"}, "properties": node{"error": node{"description": "A text, or an object of texts."}}},
		"Failure": node{
			"type": "object", "required": list{"tip", "message", "command"},
			"properties": node{"tip": text, "message": text, "command": text},
		},
		"Invalid": node{"type": "object", "required": list{"detail"}, "properties": node{
			"detail": node{"type": "array", "items": node{
				"type": "object", "required": list{"loc", "msg", "type"},
				"properties": node{
					"loc": node{"type": "array", "items": node{"type": list{"string", "integer"}}},
					"msg": text, "type": text, "ctx": node{"type": "object"},
				},
			}},
		}},
	}
}

func (o *operation) describe(r Route) node {
	described := node{
		"operationId": strings.ToLower(o.method) + " " + string(r),
		"summary":     o.summary,
		"responses":   o.responses(r),
	}
	if len(o.query) > 0 {
		parameters := make(list, 0, len(o.query))
		for _, p := range o.query {
			parameters = append(parameters, node{"name": p.name, "in": "query", "required": p.required, "schema": p.schema()})
		}
		described["parameters"] = parameters
	}
	if content := o.content(r); content != nil {
		described["requestBody"] = node{"required": o.needsBody(), "content": content}
	}
	if !r.NeedsLogin() {
		described["security"] = list{}
	}
	return described
}

// content is what the body of a request may be, by its type; nil for none.
func (o *operation) content(r Route) node {
	switch {
	case o.object:
		return node{typeJSON: node{"schema": node{"type": "object"}}}
	case len(o.form) == 0:
		return nil
	}
	properties, required := make(node), make(list, 0, len(o.form))
	for _, p := range o.form {
		properties[p.name] = p.schema()
		if p.required {
			required = append(required, p.name)
		}
	}
	schema := node{"schema": node{"type": "object", "properties": properties, "required": required}}
	content := node{formURLEncoded: schema, formMultipart: schema}
	if r == RouteLogin {
		content[typeJSON] = schema
	}
	return content
}

func (o *operation) needsBody() bool {
	return o.object || slices.ContainsFunc(o.form, func(p parameter) bool { return p.required })
}

func (o *operation) responses(r Route) node {
	good := node{typeJSON: node{}}
	if o.answers != nil {
		good = make(node)
		for _, contentType := range o.answers {
			good[contentType] = node{}
		}
	}
	all := node{
		"200":     node{"description": "Done.", "content": good},
		"401":     refers("Nobody has logged in, or with a wrong password.", "Error"),
		"500":     refers("It has not worked.", "Failure"),
		"503":     refers("Too much is going on; Retry-After says when to ask again.", "Failure"),
		"504":     refers("It has taken too long.", "Failure"),
		"default": refers("It is refused.", "Error"),
	}
	if len(o.query) > 0 || len(o.form) > 0 || o.object {
		all["422"] = refers("An argument or the body is wrong.", "Invalid")
	}
	if o.mayChange || r == RouteLogout {
		all["403"] = refers("The caller may only read, or a page of another site has asked.", "Error")
	}
	if o.object {
		all["412"] = refers("It was changed since If-Match.", "Error")
		all["500"] = node{"description": "Nothing is saved.", "content": node{typePlain: node{}}}
	}
	return all
}

func refers(description, schema string) node {
	return node{"description": description, "content": node{typeJSON: node{"schema": node{"$ref": "#/components/schemas/" + schema}}}}
}

func (p *parameter) schema() node {
	s := node{"type": "string"}
	switch {
	case p.words != nil:
		s["enum"] = p.words
	case p.kind == nameKind:
		s["pattern"] = namePattern
	case p.kind == integerKind:
		s["type"] = "integer"
	case p.kind == flagKind:
		return node{"type": "boolean", "default": p.fallback == "true"}
	}
	if p.fallback != "" {
		s["default"] = p.fallback
	}
	return s
}

// namePattern is what intelmqctl.ParseID takes, but for its length.
const namePattern = "^[A-Za-z0-9._][A-Za-z0-9._-]*$"
