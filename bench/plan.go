package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// subjects are what is measured if nothing else is said; the first one has servers of
// its own.
var subjects = []string{"million", "gate", "cce", "intelmq", "fire"}

// peersSubject is what operators would use in place of the gate.
const peersSubject = "peers"

// plan is what is measured, and how.
type plan struct {
	rounds int
	sample time.Duration
	keys   int
	tabs   time.Duration
	// only is one of the subjects, or the peers; empty is all but these.
	only string
	// peerCaddy is the path of a Caddy with plugins; empty is none.
	peerCaddy string
}

// has reports whether a subject is measured.
func (p plan) has(subject string) bool { return p.only == "" || p.only == subject }

// readPlan reads the arguments. Help goes to w, and then the error is flag.ErrHelp.
func readPlan(args []string, w io.Writer) (p plan, err error) {
	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	// Errors are told once, by who called this.
	set.SetOutput(io.Discard)
	set.IntVar(&p.rounds, "rounds", 10, "how often each case is measured, at least 6")
	set.DurationVar(&p.sample, "sample", time.Second, "how long one sample takes, in whole seconds")
	set.IntVar(&p.keys, "keys", 1000, "how many keys are in the store, and are presented in turn; making one takes half a millisecond")
	set.StringVar(&p.only, "only", "", "measure 'million', 'gate', 'cce', 'intelmq' or 'fire' only, or 'peers', which nothing else measures")
	set.StringVar(&p.peerCaddy, "peer-caddy", "", "a Caddy with caddy-jwt or caddy-security in it, which are then measured among the peers")
	set.DurationVar(&p.tabs, "tabs", 30*time.Second, "how long tabs of intelmq-manager are watched, at least 10s")
	if err := set.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			set.SetOutput(w)
			set.Usage()
		}
		return plan{}, err
	}
	p.sample = p.sample.Truncate(time.Second)
	return p, p.check(set.Args())
}

// check looks at the plan, and at what stood behind the options.
func (p plan) check(surplus []string) error {
	switch {
	case len(surplus) > 0:
		return fmt.Errorf("'%s' is no option; -h tells which there are", surplus[0])
	case p.only != "" && p.only != peersSubject && !slices.Contains(subjects, p.only):
		return fmt.Errorf("-only '%s' is unknown; there are %s, %s", p.only, strings.Join(subjects, ", "), peersSubject)
	case p.peerCaddy != "" && p.only != peersSubject:
		return errors.New("-peer-caddy is for -only peers")
	case p.rounds < 6 || p.sample < time.Second || p.keys < 1 || p.tabs < 10*time.Second:
		return errors.New("-rounds must be 6 or more, -sample 1s or more, -keys 1 or more, -tabs 10s or more")
	}
	return nil
}
