// Package caddyintelmq is the IntelMQ endpoint as a module of Caddy: what the
// intelmq-manager page, playbooks and scripts ask of intelmq-api, answered by
// running intelmqctl.
//
//	ops.example.org {
//		intelmq /intelmq {
//			command sudo -u intelmq /usr/local/bin/intelmqctl
//			allowed_path /opt/intelmq/var/lib/bots/
//		}
//	}
//
// The way of a request:
//
//  1. internal/intelmqapi finds the route, and refuses methods that it has not.
//  2. admit finds out who asks, through the caddyauth app or an earlier gate.
//  3. internal/intelmqapi makes a question of the arguments: values, never text.
//  4. Whoever only has the scope read cannot change anything, and pages of other
//     sites cannot have a browser do it.
//  5. internal/intelmqctl has the command run, or answers from what it has seen a
//     moment ago. The files of the configuration are read and written here, by
//     internal/intelmqconf; those of bots are shown by internal/botfiles.
//
// What runs and what was seen outlives reloads, on a desk. Nothing here builds a
// command line or writes a file.
package caddyintelmq
