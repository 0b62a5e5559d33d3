package cced

import (
	"crypto/rand"
	_ "embed" // the schema
	"io"
	"maps"
	mathrand "math/rand/v2"
	"time"
)

// Config is what a daemon is like. The zero value of each field means what the
// real daemon does by default.
type Config struct {
	// Socket is the path of the unix socket, at most 107 bytes.
	Socket string
	// Schemas are the texts of schema files. None means the built-in ones.
	Schemas []string
	// Setup are commands that a root peer gives before anybody else, such as
	// `CREATE System`. Each must end in 201. Nil means DefaultSetup, empty
	// means no objects at all.
	Setup []string
	// Passwords are the system's accounts by user name. Nil means
	// DefaultPasswords. AUTH wants an enabled User object as well.
	Passwords map[string]string
	// PeerIsRoot gives each new connection the rights of a root peer, as
	// Server.PeerIsRoot does.
	PeerIsRoot bool
	// SessionLife is the time from the last AUTH, AUTHKEY or BYE of a session
	// to its end. Zero means 3600 seconds.
	SessionLife time.Duration
	// MaxConnections is the number of connections at once. Zero means 1024.
	MaxConnections int
	// Pause is how long a connection says nothing after a failed AUTH or
	// AUTHKEY. Nil means at random from 0.5 to 3 seconds.
	Pause func() time.Duration
	// Latency is added to each command.
	Latency time.Duration
	// Second is how long a second of a slow handler takes. Zero means a second.
	Second time.Duration
	// Record keeps every command for Server.Lines.
	Record bool
	// Now and After are the clock: the sessions' life and all waiting are
	// measured with it. Nil means the system's.
	Now   func() time.Time
	After func(time.Duration) <-chan time.Time
	// Random makes session ids. Nil means crypto/rand.
	Random io.Reader
}

// DefaultSetup makes the objects that most dialogues were recorded with.
var DefaultSetup = []string{
	`CREATE System hostname = "lab" productname = "Lab 1"`,
	`CREATE User name = "admin" fullName = "Administrator" systemAdministrator = "1"`,
	`CREATE User name = "mary" fullName = "Mary" site = "site1"`,
	`CREATE User name = "disabled" enabled = "0"`,
	`CREATE User name = "quote" fullName = "has an odd password"`,
	`CREATE Vsite name = "site1" fqdn = "t1.smd.example" hostname = "t1" domain = "smd.example" ipaddr = "192.0.2.10" maxusers = "9"`,
	`CREATE Vsite name = "site2" fqdn = "a2.smd.example" hostname = "a2" domain = "smd.example" ipaddr = "192.0.2.9" maxusers = "100"`,
	`CREATE Vsite name = "site3" fqdn = "z.other.example" hostname = "z" domain = "other.example" ipaddr = "192.0.2.100" maxusers = "25"`,
	`SET 2 capabilities = "&manageSite&x%26y&"`,
}

// DefaultPasswords are the accounts behind DefaultSetup.
var DefaultPasswords = map[string]string{
	"admin":    "secret-1",
	"mary":     "mary-pw 2",
	"disabled": "whatever",
	"quote":    `a"b\c d`,
}

// BaseSchema has the types, rules and sort orders that LabSchema uses.
//
//go:embed schema/base.schema
var BaseSchema string

// LabSchema has the classes System, User, Vsite, Probe and Undo.
//
//go:embed schema/lab.schema
var LabSchema string

// complete fills in what is not set.
func (c Config) complete() Config {
	if len(c.Schemas) == 0 {
		c.Schemas = []string{BaseSchema, LabSchema}
	}
	if c.Setup == nil {
		c.Setup = DefaultSetup
	}
	if c.Passwords == nil {
		c.Passwords = DefaultPasswords
	}
	c.Passwords = maps.Clone(c.Passwords) // SET changes them
	if c.SessionLife == 0 {
		c.SessionLife = time.Hour
	}
	if c.MaxConnections == 0 {
		c.MaxConnections = 1024
	}
	if c.Pause == nil {
		c.Pause = func() time.Duration {
			return 500*time.Millisecond + mathrand.N(2500*time.Millisecond)
		}
	}
	if c.Second == 0 {
		c.Second = time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.After == nil {
		c.After = time.After
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	return c
}
