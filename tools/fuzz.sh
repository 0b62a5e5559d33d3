#!/usr/bin/env bash
# Runs each fuzz target for a while:
#
#   tools/fuzz.sh <duration>
#
# Fuzz targets stand in packages without Caddy only, since a fuzz build
# instruments all that a package imports.
set -euo pipefail

go=${GO:-go}
duration=${1:?how long each target runs, such as 60s}
packages=$(tools/caddyfree.sh)
count=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# fuzz runs one target. The Go fuzzer sometimes reports the end of its time as a
# failure of its own, with these words and no input: that is not one of ours.
fuzz() {
	"$go" test -run '^$' -fuzz "^$2\$" -fuzztime "$duration" "$1" 2>&1 | tee "$log" && return
	grep -q '^    context deadline exceeded$' "$log" && ! grep -Eq 'Failing input|panic|_test\.go:' "$log"
}

for package in $packages; do
	# The last line sums up, and is no target.
	targets=$("$go" test -list '^Fuzz' "$package" | grep '^Fuzz' || true)
	for target in $targets; do
		echo "$package $target"
		fuzz "$package" "$target"
		count=$((count + 1))
	done
done
if [ "$count" -eq 0 ]; then
	echo "There is no fuzz target in the packages without Caddy: something is wrong with the search." >&2
	exit 1
fi
echo "$count fuzz targets ran for $duration each."
