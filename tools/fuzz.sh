#!/usr/bin/env bash
# Runs each fuzz target for a while, as many at once as there are processors:
#
#   tools/fuzz.sh <duration>
#   tools/fuzz.sh <duration> <package> <target>
#
# Fuzz targets stand in packages without Caddy only, since a fuzz build
# instruments all that a package imports.
set -euo pipefail

go=${GO:-go}
duration=${1:?how long each target runs, such as 60s}

# all lists the targets, each behind its package, of which `go test -list` tells
# when it is through with it.
all() {
	"$go" test -list '^Fuzz' $(tools/caddyfree.sh) | awk '
		/^Fuzz/ { targets[++n] = $1 }
		$1 == "ok" { for (i = 1; i <= n; i++) print $2, targets[i]; n = 0 }
	'
}

# overtime reports whether a run has failed with nothing but the words in which the
# Go fuzzer sometimes tells that its time is over: that is no finding.
overtime() {
	grep -qx '    context deadline exceeded' "$log" &&
		! grep -Evqx "fuzz: elapsed: .*|--- FAIL: $2 \([0-9.]+s\)|    context deadline exceeded|FAIL|exit status 1|FAIL	$1	[0-9.]+s" "$log"
}

# stuck reports whether the last three times that the fuzzer has told how far it is,
# over three seconds and more, it was where it had been. It has no limit for one input
# and takes a run that ends so for a good one.
stuck() {
	sed -n 's/^fuzz: elapsed: [^,]*, //p' "$log" | sed 's/ ([0-9]*\/sec).*//' | tail -n 3 | uniq -c | grep -q '^ *3 '
}

# fuzz runs one target. One worker each shows when it is stuck. Of inputs that are only
# interesting the fuzzer makes smaller ones for up to a minute, by default, in which it
# tries nothing else.
fuzz() {
	log=$(mktemp)
	trap 'rm -f "$log"' EXIT
	if ! "$go" test -run '^$' -fuzz "^$2\$" -fuzztime "$duration" -fuzzminimizetime 100x -parallel 1 "$1" >"$log" 2>&1 && ! overtime "$@"; then
		cat "$log"
		return 1
	fi
	if stuck; then
		cat "$log"
		echo "$1 $2: an input takes for ever. 'kill -QUIT' of the worker, meanwhile, shows where." >&2
		return 1
	fi
	echo "$1 $2: $(sed -n 's/^fuzz: elapsed: .*, \(execs: .*\)/\1/p' "$log" | tail -n 1)"
}

if [ $# -eq 3 ]; then
	fuzz "$2" "$3"
	exit
fi
targets=$(all)
if [ -z "$targets" ]; then
	echo "There is no fuzz target in the packages without Caddy: something is wrong with the search." >&2
	exit 1
fi
xargs -P "$(nproc)" -L 1 "$0" "$duration" <<<"$targets"
echo "$(wc -l <<<"$targets") fuzz targets ran for $duration each."
