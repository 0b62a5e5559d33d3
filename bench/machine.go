package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// machine describes what was measured on.
func machine() string {
	version, _ := caddy.Version()
	return fmt.Sprintf("%s, %d cores, %s, %s/%s, Caddy %s", processor(), runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH, version)
}

func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	for line := range strings.Lines(string(text)) {
		if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}

// twoCores names two cores that this process may use: one for the server, one
// for wrk.
func twoCores() ([]string, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return nil, fmt.Errorf("this needs Linux: %w", err)
	}
	_, rest, _ := strings.Cut(string(text), "Cpus_allowed_list:")
	list, _, _ := strings.Cut(rest, "\n")
	var cores []string
	for part := range strings.SplitSeq(strings.TrimSpace(list), ",") {
		first, last, isRange := strings.Cut(part, "-")
		cores = append(cores, first)
		if from, err := strconv.Atoi(first); err == nil && isRange && first != last {
			cores = append(cores, strconv.Itoa(from+1))
		}
	}
	if len(cores) < 2 {
		return nil, fmt.Errorf("two cores are needed, this process has '%s'", strings.TrimSpace(list))
	}
	return cores[:2], nil
}
