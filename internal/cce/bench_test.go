package cce_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"testing"

	"github.com/sallyport/sallyport/internal/cce"
	"github.com/sallyport/sallyport/internal/cceapi"
	"github.com/sallyport/sallyport/internal/cscp"
	"github.com/sallyport/sallyport/internal/fake/cced"
)

// moreSpaces gives the stand-in's users five namespaces besides the main one.
const moreSpaces = `<SCHEMA NAME="More namespaces" VENDOR="lab" VERSION="1.0">
<class name="User" namespace="Php" version="1.0"><property name="enabled" type="boolean" default="0"/></class>
<class name="User" namespace="Quota" version="1.0"><property name="used" type="uint" default="0"/></class>
</SCHEMA>`

// manyUsers adds 1,000 users, of whom 200 are of the site big.
func manyUsers(c *cced.Config) {
	c.Record = false
	c.Schemas = []string{cced.BaseSchema, cced.LabSchema, moreSpaces}
	c.Setup = slices.Clone(cced.DefaultSetup)
	for i := range 1000 {
		site := "small"
		if i%5 == 0 {
			site = "big"
		}
		c.Setup = append(c.Setup, fmt.Sprintf(`CREATE User name = "bench%d" site = "%s"`, i, site))
	}
}

// BenchmarkRunner is what takes many commands: a search whose hits are checked,
// and a list of objects with all their namespaces. The stand-in's time is within.
func BenchmarkRunner(b *testing.B) {
	daemon := cced.Start(b, manyUsers)
	pool := cscp.NewPool(cscp.PoolConfig{Dial: func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", daemon.Socket())
	}})
	b.Cleanup(pool.Close)
	session, err := pool.LogIn(b.Context(), "admin", "secret-1")
	if err != nil {
		b.Fatal(err)
	}
	runner, caller := &cce.Runner{Pool: pool}, &cce.Caller{Session: session}
	for _, way := range []struct{ name, body string }{
		{"FINDX of 1000", `{"cmd":"FINDX","class":"User","regex_args":{"name":"^bench"}}`},
		{"GETALL of 200", `{"cmd":"GETALL","class":"User","args":{"site":"big"}}`},
	} {
		request, err := cceapi.Parse([]byte(way.body))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(way.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				answer, err := runner.Run(b.Context(), caller, request)
				if err != nil || answer.Status != cscp.CodeOK {
					b.Fatal(answer, err)
				}
			}
		})
	}
}
