#!/usr/bin/env bash
# Builds Caddy with this module by xcaddy, as users do, and checks that exactly
# our modules are in it. It needs bin/xcaddy.
set -euo pipefail

go=${GO:-go}
caddy=$("$go" list -m -f '{{.Version}}' github.com/caddyserver/caddy/v2)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# A version, whichever, keeps the Go client from asking the network which
# versions of this module there are. The flags are xcaddy's own without those
# that would compile all of Caddy once more.
export XCADDY_GO_BUILD_FLAGS='-tags=nobadger,nomysql,nopgx'
export XCADDY_WHICH_GO=$go
CGO_ENABLED=$("$go" env CGO_ENABLED)
export CGO_ENABLED
if ! timeout 900 bin/xcaddy build "$caddy" \
	--with github.com/sallyport/sallyport@v0.0.0=. \
	--output "$out/caddy" >"$out/log" 2>&1; then
	tail -n 40 "$out/log" >&2
	echo "xcaddy cannot build Caddy $caddy with this module; the end of what it says is above." >&2
	exit 1
fi

cat >"$out/want" <<'END'
admin.api.caddyauth
admin.api.caddycce
admin.api.caddyintelmq
caddy.logging.encoders.filter.credentials
caddyauth
client_secret_files
http.authentication.providers.token
http.handlers.auth_api
http.handlers.cce
http.handlers.client_secret
http.handlers.intelmq
http.handlers.token_auth
END
"$out/caddy" list-modules --skip-standard | grep -E '^[a-z]' >"$out/got"
diff -u --label 'expected modules' --label 'modules in the binary' "$out/want" "$out/got"
version=$("$out/caddy" version)
if [ "${version%% *}" != "$caddy" ]; then
	echo "xcaddy has built Caddy $version, and not $caddy." >&2
	exit 1
fi
echo "xcaddy builds Caddy $caddy with $(wc -l <"$out/got") modules of ours:"
cat "$out/got"
