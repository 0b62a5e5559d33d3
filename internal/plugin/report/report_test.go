package report

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

func TestRefusalsAreSampled(t *testing.T) {
	var s sampler
	now := time.Now()
	if _, picked := s.take(now); !picked {
		t.Error("the first one is not picked")
	}
	for range 1000 {
		if _, picked := s.take(now.Add(samplePause - 1)); picked {
			t.Fatal("a second one is picked within the pause")
		}
	}
	if skipped, picked := s.take(now.Add(samplePause)); !picked || skipped != 1000 {
		t.Errorf("after the pause: %d skipped, picked %t", skipped, picked)
	}
}

func TestTheIDFindsTheCauseInTheLog(t *testing.T) {
	for status, level := range map[int]zapcore.Level{http.StatusForbidden: zapcore.InfoLevel, http.StatusBadGateway: zapcore.ErrorLevel} {
		core, logged := observer.New(zapcore.DebugLevel)
		reporter, r := NewReporter(zap.New(core)), request(t)
		first, second := reporter.Report(r, Refusal{Status: status, Cause: "the cause"}), reporter.Report(r, Refusal{Status: status, Cause: "another"})
		if len(first) != 12 || first == second {
			t.Errorf("ids '%s' and '%s'", first, second)
		}
		lines := logged.FilterMessage("request refused").All()
		if len(lines) != 2 || lines[0].Level != level || lines[1].Level != zapcore.DebugLevel {
			t.Fatalf("%d: the log is %v", status, lines)
		}
		fields := lines[0].ContextMap()
		if fields["error_id"] != first || fields["refused"] != "the cause" || fields["status"] != int64(status) {
			t.Errorf("%d: the line has %v", status, fields)
		}
	}
}

// request is one as a handler of Caddy gets it.
func request(t *testing.T) *http.Request {
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	return r.WithContext(context.WithValue(r.Context(), caddyhttp.VarsCtxKey, map[string]any{}))
}

func TestALogFollowsTheConfigurationInUse(t *testing.T) {
	var before, after, failed strings.Builder
	old, next := slog.New(slog.NewTextHandler(&before, nil)), slog.New(slog.NewTextHandler(&after, nil))
	fails := slog.New(slog.NewTextHandler(&failed, nil))
	l := NewReloadableLog(old)
	log := slog.New(l)
	l.Undo(fails, l.Use(fails))
	log.Info("one")
	// This one is not in use any more, and has nothing to take back.
	before2 := l.Use(fails)
	l.Use(next)
	l.Undo(fails, before2)
	log.Info("two")
	if !strings.Contains(before.String(), "one") || strings.Contains(before.String(), "two") || failed.Len() > 0 {
		t.Errorf("before: %s failed: %s", before.String(), failed.String())
	}
	if !strings.Contains(after.String(), "two") {
		t.Errorf("after: %s", after.String())
	}
}

func TestCollectorsMayBeKnownAlready(t *testing.T) {
	registry := prometheus.NewRegistry()
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "a_total", Help: "A."})
	for range 2 {
		if err := Collectors(registry, counter); err != nil {
			t.Error(err)
		}
	}
	other := prometheus.NewCounter(prometheus.CounterOpts{Name: "a_total", Help: "Something else."})
	if err := Collectors(registry, other); err == nil {
		t.Error("another one under the same name is taken")
	}
}
