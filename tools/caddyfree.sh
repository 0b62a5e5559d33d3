#!/usr/bin/env bash
# Lists the packages that do without Caddy, their tests included. They build in
# seconds, so that they can be tested with the race detector and fuzzed.
set -euo pipefail

go=${GO:-go}
# A package is listed as "path", its tests as "path.test", "path [path.test]"
# and "path_test [path.test]".
"$go" list -test -f '{{.ImportPath}}{{range .Deps}}{{if eq . "github.com/caddyserver/caddy/v2"}} Caddy{{end}}{{end}}' ./... |
	awk '
		{ path = $1; sub(/[._]test$/, "", path); all[path] = 1 }
		$NF == "Caddy" { caddy[path] = 1 }
		END { for (path in all) if (!(path in caddy)) print path }
	' | sort | grep . # none at all is an error
