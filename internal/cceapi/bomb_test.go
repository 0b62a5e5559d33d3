package cceapi

import (
	"bytes"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/cscp"
)

// TestABodyDoesNotBecomeManyTimesAsLong is about numbers that are short to say and
// long to write out.
func TestABodyDoesNotBecomeManyTimesAsLong(t *testing.T) {
	if _, err := Parse([]byte(`{"cmd":"SET","oid":1,"args":{"a":1e41}}`)); err == nil {
		t.Error("a number with 41 more digits is taken")
	}
	body := []byte(`{"cmd":"SET","oid":1,"args":{"a":[` + strings.Repeat("1e40,", 100_000) + `1]}}`)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	q, err := Parse(body)
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Fatal(err)
	}
	if grown := int(after.TotalAlloc - before.TotalAlloc); grown > 100*len(body) {
		t.Errorf("%d bytes took %d", len(body), grown)
	}
	if value := q.Command.(cscp.Set).Values[0].Value; len(value) > 10*len(body) {
		t.Errorf("%d bytes became %d", len(body), len(value))
	}
}

// TestASearchHasABound holds that the criteria of a search are few.
func TestASearchHasABound(t *testing.T) {
	search := func(n int) []byte {
		var b bytes.Buffer
		b.WriteString(`{"cmd":"FINDX","class":"User","regex_args":{"a":""`)
		for i := range n - 1 {
			b.WriteString(`,"N` + strconv.Itoa(i) + `.a":""`)
		}
		b.WriteString(`}}`)
		return b.Bytes()
	}
	if _, err := Parse(search(100)); err != nil {
		t.Errorf("100 criteria: %v", err)
	}
	if _, err := Parse(search(101)); err == nil {
		t.Error("101 criteria are taken")
	}
}
