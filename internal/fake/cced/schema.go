package cced

import (
	"encoding/xml"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// schema is what objects there may be.
type schema struct {
	classes []*class // in the order of the files
	byName  map[string]*class
	types   map[string]*valueType
	rules   map[string]ruleKind
	orders  map[string]order
}

// class is the class of an object, with its namespaces. The first of them is
// the main one, whose name is empty.
type class struct {
	name            string
	spaces          []*space
	create, destroy acl
}

// space is a namespace of a class.
type space struct {
	name, version string
	properties    []*property
	index         map[string]int // of properties, by name
	defaults      []string       // of properties; shared, never written
}

type property struct {
	name        string
	kind        *valueType
	optional    bool
	array       bool
	read, write acl
}

// valueType is a typedef of the schema.
type valueType struct {
	pattern *regexp.Regexp
	message string // of 302
}

// neverStored is the property whose value the daemon throws away.
const neverStored = "password"

// The built-in messages of 302.
const (
	invalidData = "[[base-cce.invalidData]]"
	unknownAttr = "[[base-cce.unknownAttr]]"
)

// space finds a namespace of the class, or -1.
func (c *class) space(name string) int {
	return slices.IndexFunc(c.spaces, func(s *space) bool { return s.name == name })
}

// accepts reports whether a value is of the property's type.
func (p *property) accepts(value string) bool {
	if p.array {
		for _, element := range elements(value) {
			if !p.kind.pattern.MatchString(element) {
				return false
			}
		}
		return true
	}
	return value == "" && p.optional || p.kind.pattern.MatchString(value)
}

// schemaFile is the XML of schema files, which have several roots and stand
// within one of our own here.
type schemaFile struct {
	Schemas []struct {
		Types []struct {
			Name    string `xml:"name,attr"`
			Kind    string `xml:"type,attr"`
			Data    string `xml:"data,attr"`
			Message string `xml:"errmsg,attr"`
		} `xml:"typedef"`
		Rules   []builtin  `xml:"rule"`
		Orders  []builtin  `xml:"matchtype"`
		Classes []classXML `xml:"class"`
	} `xml:"SCHEMA"`
}

type builtin struct {
	Name string `xml:"name,attr"`
	Kind string `xml:"type,attr"`
	Data string `xml:"data,attr"`
}

type classXML struct {
	Name       string        `xml:"name,attr"`
	Space      string        `xml:"namespace,attr"`
	Version    string        `xml:"version,attr"`
	Create     string        `xml:"createacl,attr"`
	Destroy    string        `xml:"destroyacl,attr"`
	Properties []propertyXML `xml:"property"`
}

type propertyXML struct {
	Name     string `xml:"name,attr"`
	Kind     string `xml:"type,attr"`
	Default  string `xml:"default,attr"`
	Optional string `xml:"optional,attr"`
	Array    string `xml:"array,attr"`
	Read     string `xml:"readacl,attr"`
	Write    string `xml:"writeacl,attr"`
}

// parseSchemas reads schema files. A file may use what one before it defines.
func parseSchemas(texts []string) (*schema, error) {
	s := &schema{
		byName: map[string]*class{},
		types:  map[string]*valueType{},
		rules:  map[string]ruleKind{},
		orders: map[string]order{},
	}
	for i, text := range texts {
		var file schemaFile
		if err := xml.Unmarshal([]byte("<files>"+text+"</files>"), &file); err != nil {
			return nil, fmt.Errorf("schema file %d: %w", i+1, err)
		}
		if err := s.add(file); err != nil {
			return nil, fmt.Errorf("schema file %d: %w", i+1, err)
		}
	}
	for _, c := range s.classes {
		// The main namespace may stand behind others in the file.
		main := c.space("")
		if main < 0 {
			return nil, fmt.Errorf("class '%s' has no main namespace; add one with namespace=\"\"", c.name)
		}
		c.spaces[0], c.spaces[main] = c.spaces[main], c.spaces[0]
	}
	return s, nil
}

func (s *schema) add(file schemaFile) error {
	for _, part := range file.Schemas {
		for _, t := range part.Types {
			if t.Kind != "re" {
				return fmt.Errorf("typedef '%s': type '%s' is not understood; write \"re\"", t.Name, t.Kind)
			}
			pattern, err := compilePattern(t.Data)
			if err != nil {
				return fmt.Errorf("typedef '%s': %w", t.Name, err)
			}
			if t.Message == "" {
				t.Message = invalidData
			}
			s.types[t.Name] = &valueType{pattern, t.Message}
		}
		for _, r := range part.Rules {
			kind, known := ruleKinds[r.Data]
			if !known || r.Kind != "builtin" {
				return fmt.Errorf("rule '%s': '%s' is not built in", r.Name, r.Data)
			}
			s.rules[r.Name] = kind
		}
		for _, o := range part.Orders {
			compare, known := orders[o.Data]
			if !known || o.Kind != "builtin" {
				return fmt.Errorf("matchtype '%s': '%s' is not built in", o.Name, o.Data)
			}
			s.orders[o.Name] = compare
		}
		for _, c := range part.Classes {
			if err := s.addClass(c); err != nil {
				return fmt.Errorf("class '%s', namespace '%s': %w", c.Name, c.Space, err)
			}
		}
	}
	return nil
}

func (s *schema) addClass(text classXML) error {
	c := s.byName[text.Name]
	if c == nil {
		c = &class{name: text.Name}
		s.byName[text.Name] = c
		s.classes = append(s.classes, c)
	}
	if text.Space == "" {
		var err error
		if c.create, err = s.parseACL(text.Create, sysadminOnly); err != nil {
			return err
		}
		if c.destroy, err = s.parseACL(text.Destroy, sysadminOnly); err != nil {
			return err
		}
	}
	if c.space(text.Space) >= 0 {
		return errors.New("it is defined twice")
	}
	n := &space{name: text.Space, version: text.Version, index: map[string]int{}}
	c.spaces = append(c.spaces, n)
	for _, p := range text.Properties {
		parsed, err := s.parseProperty(p)
		if err != nil {
			return fmt.Errorf("property '%s': %w", p.Name, err)
		}
		n.index[p.Name] = len(n.properties)
		n.properties = append(n.properties, parsed)
		n.defaults = append(n.defaults, p.Default)
	}
	return nil
}

func (s *schema) parseProperty(text propertyXML) (*property, error) {
	kind := s.types[text.Kind]
	if kind == nil {
		return nil, fmt.Errorf("type '%s' is not defined", text.Kind)
	}
	p := &property{name: text.Name, kind: kind, optional: isSet(text.Optional), array: isSet(text.Array)}
	var err error
	if p.read, err = s.parseACL(text.Read, usersOnly); err != nil {
		return nil, err
	}
	p.write, err = s.parseACL(text.Write, sysadminOnly)
	return p, err
}

func isSet(flag string) bool { return flag != "" && flag != "0" }

// parseACL reads rules such as `ruleAdmin OR ruleCapable(manageSite)`.
func (s *schema) parseACL(text string, otherwise acl) (acl, error) {
	if text == "" {
		return otherwise, nil
	}
	var list acl
	for name := range strings.SplitSeq(text, " OR ") {
		name, argument, _ := strings.Cut(strings.TrimSpace(name), "(")
		kind, known := s.rules[name]
		if !known {
			return nil, fmt.Errorf("rule '%s' is not defined", name)
		}
		list = append(list, rule{kind, strings.TrimSuffix(argument, ")")})
	}
	return list, nil
}
