package report

import (
	"context"
	"log/slog"
	"sync/atomic"
)

// ReloadableLog is a log handler that hands on to the logger of the newest
// configuration. What outlives configurations logs through it: the files of an
// old one may be closed.
type ReloadableLog struct{ current atomic.Pointer[slog.Logger] }

// NewReloadableLog makes one that hands on to log until it is told another one.
func NewReloadableLog(log *slog.Logger) *ReloadableLog {
	l := new(ReloadableLog)
	l.Use(log)
	return l
}

// Use hands on to log from now on, and returns the logger before it, or nil.
func (l *ReloadableLog) Use(log *slog.Logger) (before *slog.Logger) { return l.current.Swap(log) }

// Undo takes a Use of log back, unless there was another one since.
func (l *ReloadableLog) Undo(log, before *slog.Logger) { l.current.CompareAndSwap(log, before) }

func (l *ReloadableLog) handler() slog.Handler { return l.current.Load().Handler() }

// Enabled reports whether the newest configuration logs at this level.
func (l *ReloadableLog) Enabled(ctx context.Context, level slog.Level) bool {
	return l.handler().Enabled(ctx, level)
}

// Handle hands a record on.
func (l *ReloadableLog) Handle(ctx context.Context, r slog.Record) error {
	return l.handler().Handle(ctx, r)
}

// WithAttrs returns a handler of the configuration that is the newest now.
func (l *ReloadableLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return l.handler().WithAttrs(attrs)
}

// WithGroup returns a handler of the configuration that is the newest now.
func (l *ReloadableLog) WithGroup(name string) slog.Handler { return l.handler().WithGroup(name) }
