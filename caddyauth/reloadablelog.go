package caddyauth

import (
	"context"
	"log/slog"
	"sync/atomic"
)

// reloadableLog is a log handler that hands on to the logger of the newest
// configuration. What outlives configurations logs through it: the files of an
// old one may be closed.
type reloadableLog struct{ current atomic.Pointer[slog.Logger] }

func newReloadableLog(log *slog.Logger) *reloadableLog {
	l := new(reloadableLog)
	l.use(log)
	return l
}

// use hands on to log from now on.
func (l *reloadableLog) use(log *slog.Logger) { l.current.Store(log) }

func (l *reloadableLog) handler() slog.Handler { return l.current.Load().Handler() }

// Enabled reports whether the newest configuration logs at this level.
func (l *reloadableLog) Enabled(ctx context.Context, level slog.Level) bool {
	return l.handler().Enabled(ctx, level)
}

// Handle hands a record on.
func (l *reloadableLog) Handle(ctx context.Context, r slog.Record) error {
	return l.handler().Handle(ctx, r)
}

// WithAttrs returns a handler of the configuration that is the newest now.
func (l *reloadableLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return l.handler().WithAttrs(attrs)
}

// WithGroup returns a handler of the configuration that is the newest now.
func (l *reloadableLog) WithGroup(name string) slog.Handler { return l.handler().WithGroup(name) }
