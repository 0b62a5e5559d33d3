package main

import (
	"context"
	"fmt"
	"os"
	"slices"
)

// peers measures the gate and what operators would use in its place, and prints one
// table.
func (p plan) peers(ctx context.Context, f *files, m *meter, core string) error {
	if err := os.WriteFile(f.answer, []byte("ok"), 0o600); err != nil {
		return err
	}
	checks, err := startProcess(ctx, m.core, asChecks, f.dir)
	if err != nil {
		return fmt.Errorf("starting what forward_auth asks: %w", err)
	}
	defer checks.stop()
	s, err := startProcess(ctx, core, asServer, f.dir, checks.addresses[checksAddress])
	if err != nil {
		return fmt.Errorf("starting the server: %w", err)
	}
	defer s.stop()
	m.server, m.more = s, []*server{checks}
	groups := peerGroups(f)
	var plugins *pluginCaddy
	if p.peerCaddy != "" {
		if plugins, err = startPlugins(ctx, f, core, p.peerCaddy); err != nil {
			return fmt.Errorf("-peer-caddy '%s': %w", p.peerCaddy, err)
		}
		defer plugins.server.stop()
		m.more = append(m.more, plugins.server)
		groups = plugins.join(ctx, groups)
	}
	var list []comparison
	for _, g := range groups {
		list = append(list, g.cases...)
	}
	results, err := m.measure(ctx, list, p.rounds)
	if err != nil {
		return err
	}
	printPeerTable(os.Stdout, groups, results)
	fmt.Printf("\n%s; %d keys, %d rounds of samples of %v, wrk -t1, -c16 but -c1 for wrong passwords.\n", machine(), p.keys, p.rounds, p.sample)
	plugins.print(os.Stdout)
	return nil
}

// join puts the plugins' cases into the groups of their kind, but those that are not
// answered as they should be, which are told.
func (c *pluginCaddy) join(ctx context.Context, groups []peerGroup) []peerGroup {
	for _, of := range c.cases {
		if err := c.tried(ctx, of.test); err != nil {
			c.left = append(c.left, fmt.Sprintf("%s: %v", of.name, err))
			continue
		}
		at := slices.IndexFunc(groups, func(g peerGroup) bool { return g.name == of.group })
		groups[at].cases = append(groups[at].cases, of.comparison)
	}
	return groups
}

// tried asks once.
func (c *pluginCaddy) tried(ctx context.Context, l load) error {
	if err := l.withNewKeys(); err != nil {
		return err
	}
	return ask(ctx, c.server.url(l), l)
}
