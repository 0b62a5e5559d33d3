package main

import (
	"errors"
	"flag"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestWithoutArgumentsAllButThePeersIsMeasured(t *testing.T) {
	p, err := readPlan(nil, io.Discard)
	if want := (plan{rounds: 10, sample: time.Second, keys: 1000, tabs: 30 * time.Second}); err != nil || p != want {
		t.Errorf("the plan is %+v, want %+v (%v)", p, want, err)
	}
	for _, subject := range subjects {
		if !p.has(subject) {
			t.Errorf("'%s' is not measured", subject)
		}
	}
}

func TestAPlanThatCannotBeMeasuredSaysWhy(t *testing.T) {
	for arguments, want := range map[string]string{
		"million":                   "'million' is no option; -h tells which there are",
		"-rounds 6 -only gate more": "'more' is no option",
		"-only nothing":             "-only 'nothing' is unknown; there are million,",
		"-peer-caddy caddy":         "-peer-caddy is for -only peers",
		"-rounds 5":                 "-rounds must be 6 or more",
		"-sample 900ms":             "-sample 1s or more",
		"-keys 0":                   "-keys 1 or more",
		"-tabs 9s":                  "-tabs 10s or more",
		"-serve /tmp":               "flag provided but not defined: -serve",
	} {
		if _, err := readPlan(strings.Fields(arguments), io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want '%s'", arguments, err, want)
		}
	}
}

func TestHelpTellsTheOptionsOfTheUser(t *testing.T) {
	var help strings.Builder
	if _, err := readPlan([]string{"-h"}, &help); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: %v", err)
	}
	var names []string
	for _, option := range regexp.MustCompile(`(?m)^  -(\S+)`).FindAllStringSubmatch(help.String(), -1) {
		names = append(names, option[1])
	}
	if want := []string{"keys", "only", "peer-caddy", "rounds", "sample", "tabs"}; !slices.Equal(names, want) {
		t.Errorf("the options are %v, want %v", names, want)
	}
}

func TestOtherProcessesOfThisProgramAreNoOptions(t *testing.T) {
	for _, args := range [][]string{nil, {"-only", "gate"}, {asServer}, {asBackends, "dir", "more"}, {"million", "dir"}} {
		if is, err := beOther(args); is || err != nil {
			t.Errorf("%v is another process (%v)", args, err)
		}
	}
	for _, name := range []string{asServer, asBackends, asChecks} {
		if is, err := beOther([]string{name, t.TempDir()}); !is || err == nil {
			t.Errorf("'%s' is no other process, or runs on nothing", name)
		}
	}
}
