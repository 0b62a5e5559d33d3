package main

import (
	"encoding/json"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() {
	caddy.RegisterModule(Heap{})
}

// Heap tells how much memory the server's process needs once what is not used any
// more is given back.
type Heap struct{}

// memory is what Heap answers.
type memory struct {
	// Heap is what is in use of the heap, in bytes.
	Heap uint64 `json:"heap"`
	// Allocated is what has ever been allocated, in bytes.
	Allocated uint64 `json:"allocated"`
	// Collection is how long a full collection takes, at the shortest.
	Collection time.Duration `json:"collection"`
	// Goroutines is how many there are.
	Goroutines int `json:"goroutines"`
}

// CaddyModule returns the Caddy module information.
func (Heap) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.heap", New: func() caddy.Module { return new(Heap) }}
}

// ServeHTTP answers with the memory.
func (Heap) ServeHTTP(w http.ResponseWriter, _ *http.Request, _ caddyhttp.Handler) error {
	// What a first collection frees from pools and finalizers the next one takes.
	collection := time.Hour
	for range 5 {
		began := time.Now()
		runtime.GC()
		collection = min(collection, time.Since(began))
	}
	debug.FreeOSMemory()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return json.NewEncoder(w).Encode(memory{Heap: stats.HeapAlloc, Allocated: stats.TotalAlloc, Collection: collection, Goroutines: runtime.NumGoroutine()})
}

var _ caddyhttp.MiddlewareHandler = (*Heap)(nil)
