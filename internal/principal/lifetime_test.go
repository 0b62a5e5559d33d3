package principal

import (
	"testing"
	"time"
)

func TestLifetimesThatCanBeMeant(t *testing.T) {
	for name, l := range map[string]Lifetime{
		"only an end":       {Absolute: time.Hour},
		"only an idle time": {Idle: time.Second},
		"both":              {Absolute: time.Hour, Idle: time.Hour},
	} {
		if err := l.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, l := range map[string]Lifetime{
		"no end at all":               {},
		"a negative end":              {Absolute: -time.Hour},
		"a negative idle time":        {Absolute: time.Hour, Idle: -time.Second},
		"a part of a second":          {Absolute: time.Hour + time.Millisecond},
		"idle for a part of a second": {Idle: 500 * time.Millisecond},
		"idle for longer than it is":  {Absolute: time.Minute, Idle: time.Hour},
		"more than ten years":         {Absolute: 11 * 365 * 24 * time.Hour},
	} {
		if l.Check() == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
