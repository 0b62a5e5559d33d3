package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// manyRequests is after how many of them the server's memory is looked at again.
	manyRequests = 100_000
	// firstRequests come before that: a server that has just started grows.
	firstRequests = 10_000
	// askers is how many ask at once. Their processes fit into the queue.
	askers = 16
	// forgetting is how long after the last request nothing is remembered of it.
	forgetting = 10 * time.Second
)

// growth is what many requests have added to the server's memory.
type growth struct {
	before, after memory
	// These are what of the process is in memory, in bytes.
	residentBefore, residentAfter int64
}

// flatness is by how many bytes a request may have the heap grow: less than anything
// that is kept of each.
const flatness = 10

func (g *growth) perRequest() float64 {
	return (float64(g.after.Heap) - float64(g.before.Heap)) / manyRequests
}

// asking is a kind of request, made of its number, and the status of its answer.
type asking struct {
	path   string
	status int
	key    bool
}

// askings are requests that are all different where they can be: what is found, what
// fails in the command, what is refused before, and what is remembered. Two of twenty
// start a process.
func askings(n int) asking {
	number := strconv.Itoa(n)
	switch n % 20 {
	case 0:
		return asking{"getlog?id=file-collector&lines=" + number, http.StatusOK, true}
	case 1:
		return asking{"bot?action=status&id=nobody-" + number, http.StatusInternalServerError, true}
	case 2:
		return asking{"bot?action=status&id=-" + number, http.StatusUnprocessableEntity, true}
	case 3:
		return asking{"getlog?id=file-collector&lines=some" + number, http.StatusUnprocessableEntity, true}
	case 4:
		return asking{"nothing-" + number, http.StatusNotFound, true}
	case 5:
		return asking{"queues?unknown=" + number, http.StatusUnauthorized, false}
	case 6:
		return asking{"config?file=/nowhere/" + number, http.StatusOK, true}
	case 7, 8:
		return asking{"runtime?unknown=" + number, http.StatusOK, true}
	case 9, 10:
		return asking{"version?unknown=" + number, http.StatusOK, true}
	case 11, 12:
		return asking{"botnet?action=status&unknown=" + number, http.StatusOK, true}
	default:
		return asking{"queues-and-status?unknown=" + number, http.StatusOK, true}
	}
}

// grow makes the requests and looks at the memory before and after.
func grow(ctx context.Context, f *files, m *meter) (g growth, err error) {
	known, err := newCaller(f, m, askers)
	if err != nil {
		return g, err
	}
	defer known.close()
	if err := f.commandIsQuick(); err != nil {
		return g, err
	}
	if err := known.askMany(ctx, 1, firstRequests); err != nil {
		return g, err
	}
	if g.before, g.residentBefore, err = m.memory(ctx); err != nil {
		return g, err
	}
	if err := known.askMany(ctx, 1+firstRequests, manyRequests); err != nil {
		return g, err
	}
	g.after, g.residentAfter, err = m.memory(ctx)
	return g, err
}

// askMany makes so many requests, numbered from first on.
func (c *caller) askMany(ctx context.Context, first, many int) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	unknown := &caller{client: c.client, url: c.url}
	var next atomic.Int64
	var work sync.WaitGroup
	for range askers {
		work.Go(func() {
			for ctx.Err() == nil {
				n := int(next.Add(1)) - 1
				if n >= many {
					return
				}
				a := askings(first + n)
				who := c
				if !a.key {
					who = unknown
				}
				status, body, err := who.get(ctx, a.path)
				if err == nil && status != a.status {
					err = fmt.Errorf("%s is answered %d %s, want %d", a.path, status, body, a.status)
				}
				if err != nil {
					stop(err)
				}
			}
		})
	}
	work.Wait()
	return context.Cause(ctx)
}

// memory is that of the server when it has forgotten what was asked.
func (m *meter) memory(ctx context.Context) (now memory, resident int64, err error) {
	if err := pause(ctx, forgetting); err != nil {
		return now, 0, err
	}
	c := &caller{client: http.DefaultClient, url: m.server.url(load{site: heapSite, path: "/"})}
	text, err := c.read(ctx, "")
	if err != nil {
		return now, 0, err
	}
	if err := json.Unmarshal(text, &now); err != nil {
		return now, 0, err
	}
	resident, err = residentSet(m.server.pid())
	return now, resident, err
}

// residentSet is how much of a process is in memory, in bytes.
func residentSet(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, errors.New("too few fields in /proc")
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}
