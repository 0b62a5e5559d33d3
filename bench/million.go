package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/internal/fake/manykeys"
	"github.com/sallyport/sallyport/internal/plugin/admin"
)

const (
	// manyKeys is how many keys there are, of manyUsers users.
	manyKeys, manyUsers = 1_000_000, 1000
	// revokedKeys is how many are revoked, one after the other.
	revokedKeys = 21
	// starts is how often the server is started, for the time until it is ready.
	starts = 3
)

// millionFigures are what is measured of a store of very many keys.
type millionFigures struct {
	made, ready time.Duration
	// used is the processor time until it was ready, of all its threads.
	used time.Duration
	// few and many are the memory of a server with one key, and with all.
	few, many memory
	// resident is what of the process is in memory, and peak was while it
	// loaded, in bytes.
	resident, peak int64
	// revoke is how long one takes in the middle, and slowestRevoke at most;
	// revokeBytes is what one allocates.
	revoke, slowestRevoke time.Duration
	revokeBytes           uint64
	list                  listFigures
	ofUser                time.Duration
	upgrade               time.Duration
	// news is what the upgrade has told.
	news []string
	// check is the line of the benchmark.
	check benchLine
}

// listFigures are what `key list` of all keys needs.
type listFigures struct {
	first, all time.Duration
	lines      int
	// peak is the most memory of its process, in bytes.
	peak int64
}

// million measures a store of a million keys and prints its table.
func million(ctx context.Context, dir string) error {
	var m millionFigures
	steps := []struct {
		name string
		take func(context.Context, string) error
	}{
		{"a server with a million keys", m.measureServer},
		{"the upgrade from schema 2", m.measureUpgrade},
		{"the check", m.measureCheck},
	}
	for _, step := range steps {
		if err := step.take(ctx, dir); err != nil {
			return fmt.Errorf("measuring %s: %w", step.name, err)
		}
	}
	m.print(os.Stdout)
	return nil
}

// measureServer measures what needs a server with the keys.
func (m *millionFigures) measureServer(ctx context.Context, dir string) error {
	few, err := newManyStore(ctx, filepath.Join(dir, "few"), manykeys.Plan{Keys: 1, Users: manyUsers, Words: 1})
	if err != nil {
		return err
	}
	began := time.Now()
	many, err := newManyStore(ctx, filepath.Join(dir, "many"), manykeys.Plan{Keys: manyKeys, Users: manyUsers, Words: 1000})
	if err != nil {
		return err
	}
	m.made = time.Since(began)
	server, _, err := few.start(ctx)
	if err != nil {
		return err
	}
	m.few, err = few.memory(ctx)
	if err := errors.Join(err, server.stop()); err != nil {
		return err
	}
	var ready, used []time.Duration
	for i := range starts {
		server, took, err := many.start(ctx)
		if err != nil {
			return err
		}
		processor, err := usedBy(server.command.Process.Pid)
		ready, used = append(ready, took), append(used, processor)
		if err == nil && i == starts-1 {
			err = m.measureRunning(ctx, many, server)
		}
		if err := errors.Join(err, server.stop()); err != nil {
			return err
		}
	}
	m.ready, m.used = middle(ready), middle(used)
	return nil
}

// middle is the median.
func middle(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

// measureRunning measures what a server does that is ready.
func (m *millionFigures) measureRunning(ctx context.Context, s *manyStore, server *caddyProcess) (err error) {
	if m.peak, err = peakOf(server.command.Process.Pid); err != nil {
		return err
	}
	if m.many, err = s.memory(ctx); err != nil {
		return err
	}
	if m.resident, err = residentSet(server.command.Process.Pid); err != nil {
		return err
	}
	if err := m.measureRevoke(ctx, s); err != nil {
		return err
	}
	if m.list, err = s.list(ctx); err != nil {
		return err
	}
	began := time.Now()
	if err := s.command(ctx, "key", "list", "--user", s.made.Keys[0].User).Run(); err != nil {
		return fmt.Errorf("key list --user: %w", err)
	}
	m.ofUser = time.Since(began)
	return nil
}

// measureRevoke revokes keys through the admin API. Each must be accepted before
// and refused afterwards.
func (m *millionFigures) measureRevoke(ctx context.Context, s *manyStore) error {
	client, err := admin.NewClient("caddyauth", "unix/"+s.in("admin"))
	if err != nil {
		return err
	}
	before, err := s.memory(ctx)
	if err != nil {
		return err
	}
	var took []time.Duration
	for _, k := range s.accepted()[1 : 1+revokedKeys] {
		if err := s.expect(ctx, k, http.StatusOK); err != nil {
			return err
		}
		input, err := json.Marshal(map[string]string{"key": k.ID})
		if err != nil {
			return err
		}
		began := time.Now()
		if _, err := client.Do(ctx, "key/revoke", admin.Call{Actor: "bench", Input: input}); err != nil {
			return err
		}
		took = append(took, time.Since(began))
		if err := s.expect(ctx, k, http.StatusUnauthorized); err != nil {
			return err
		}
	}
	after, err := s.memory(ctx)
	m.revoke, m.slowestRevoke = middle(took), slices.Max(took)
	m.revokeBytes = (after.Allocated - before.Allocated) / revokedKeys
	return err
}

// list lists all keys as a table, and looks at each line as it comes.
func (s *manyStore) list(ctx context.Context) (l listFigures, err error) {
	command := s.command(ctx, "key", "list", "--revoked")
	output, err := command.StdoutPipe()
	if err != nil {
		return l, err
	}
	began := time.Now()
	if err := command.Start(); err != nil {
		return l, err
	}
	for lines := bufio.NewScanner(output); lines.Scan(); l.lines++ {
		if l.lines == 0 {
			l.first = time.Since(began)
		}
		// What wait tells of the process may be the memory of this one, which it
		// was for a moment. It cannot have ended while there is so much to read.
		if l.lines%(manyKeys/10) == 0 && l.lines < manyKeys {
			if l.peak, err = peakOf(command.Process.Pid); err != nil {
				return l, errors.Join(err, command.Wait())
			}
		}
	}
	err = command.Wait()
	l.all = time.Since(began)
	if err == nil && l.lines != manyKeys+1 {
		err = fmt.Errorf("it has %d lines, not a header and %d keys", l.lines, manyKeys)
	}
	return l, err
}

// measureUpgrade opens a store of schema 2, as a command does.
func (m *millionFigures) measureUpgrade(ctx context.Context, dir string) error {
	old, err := newManyStore(ctx, filepath.Join(dir, "old"), manykeys.Plan{Keys: manyKeys, Users: manyUsers, Words: 1, Schema: 2})
	if err != nil {
		return err
	}
	var talk bytes.Buffer
	command := old.command(ctx, "store", "info")
	command.Stderr = &talk
	began := time.Now()
	if err := command.Run(); err != nil {
		return fmt.Errorf("%w: %s", err, talk.String())
	}
	m.upgrade = time.Since(began)
	for line := range strings.Lines(talk.String()) {
		if _, news, found := strings.Cut(line, ": upgrad"); found {
			m.news = append(m.news, "upgrad"+strings.TrimSpace(news))
		}
	}
	return nil
}

// benchLine is what a Go benchmark says.
type benchLine struct{ ns, processor, allocs float64 }

// measureCheck runs the benchmark of a check among a million keys, in which each
// key comes from main memory.
func (m *millionFigures) measureCheck(ctx context.Context, _ string) error {
	command := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^BenchmarkCheck$/^keys=1000000$/^used=all$", "./internal/identity")
	command.Stderr = os.Stderr
	text, err := command.Output()
	if err != nil {
		return fmt.Errorf("%w: %s", err, text)
	}
	m.check = benchLine{-1, -1, -1}
	fields := strings.Fields(string(text))
	for i := 1; i < len(fields); i++ {
		value, err := strconv.ParseFloat(fields[i-1], 64)
		switch {
		case err != nil:
		case fields[i] == "ns/op":
			m.check.ns = value
		case fields[i] == "cpu-ns/op":
			m.check.processor = value
		case fields[i] == "allocs/op":
			m.check.allocs = value
		}
	}
	if m.check.ns < 0 || m.check.processor < 0 || m.check.allocs < 0 {
		return fmt.Errorf("the benchmark says nothing of time and allocations: %s", text)
	}
	return nil
}

// print writes the table, with what is promised beside what was measured.
func (m *millionFigures) print(w io.Writer) {
	ms := func(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond)) }
	seconds := func(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
	megabytes := func(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }
	perKey := (float64(m.many.Heap) - float64(m.few.Heap)) / manyKeys
	fmt.Fprintf(w, "| %d keys of %d users | promised | measured |\n|---|---:|---:|\n", manyKeys, manyUsers)
	for _, line := range [][3]string{
		{"start of the process to the first accepted key", "2.5 s", seconds(m.ready)},
		{"processor time until then", "", seconds(m.used)},
		{"live heap for each key", "130 B", fmt.Sprintf("%.0f B", perKey)},
		{"memory of the process", "", megabytes(m.resident)},
		{"most memory while it loads", "", megabytes(m.peak)},
		{"a full collection takes longer by", "20 ms", ms(m.many.Collection - m.few.Collection)},
		{"check of a key, any of them in turn", "1300 ns", fmt.Sprintf("%.0f ns", m.check.ns)},
		{"its processor time", "", fmt.Sprintf("%.0f ns", m.check.processor)},
		{"allocations of a check", "0", fmt.Sprintf("%.0f", m.check.allocs)},
		{"revoke through the admin API (median)", "5 ms", ms(m.revoke)},
		{"the slowest of the revokes", "", ms(m.slowestRevoke)},
		{"allocated for a revoke, two requests with the key and the call", "", fmt.Sprintf("%d KiB", m.revokeBytes>>10)},
		{"`caddy auth key list`: first line", "1 s", seconds(m.list.first)},
		{"all lines", "", seconds(m.list.all)},
		{"most memory of the command", "100 MiB", megabytes(m.list.peak)},
		{"`caddy auth key list --user`", "", seconds(m.ofUser)},
		{"start with an upgrade from schema 2", "10 s", seconds(m.upgrade)},
	} {
		fmt.Fprintf(w, "| %s | %s | %s |\n", line[0], line[1], line[2])
	}
	fmt.Fprintf(w, "\n%s; the store was made in %s. The upgrade told:\n\n", machine(), seconds(m.made))
	for _, news := range m.news {
		fmt.Fprintf(w, "- %s\n", news)
	}
	fmt.Fprintln(w)
}
