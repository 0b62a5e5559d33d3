#!/usr/bin/env bash
# Installs the Debian packages of the commands that are missing:
#
#   tools/need.sh <command>=<package>[,<package>] ...
#
# It does so only as root, or where sudo asks for no password. Otherwise it says
# what to install.
set -euo pipefail

packages=()
for pair in "$@"; do
	command -v "${pair%%=*}" >/dev/null && continue
	IFS=, read -ra names <<<"${pair#*=}"
	packages+=("${names[@]}")
done
[ ${#packages[@]} -eq 0 ] && exit 0

root=()
if [ "$(id -u)" -ne 0 ]; then
	root=(sudo -n)
fi
if ! command -v apt-get >/dev/null || ! "${root[@]}" true 2>/dev/null; then
	echo "Missing on this machine: ${packages[*]}. Install them as root, on Debian by: apt-get install ${packages[*]}" >&2
	exit 1
fi
echo "Installing ${packages[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
# The list of packages may be old, or not there at all.
timeout 300 "${root[@]}" apt-get -q update </dev/null >&2
timeout 300 "${root[@]}" apt-get -q -y --no-install-recommends install "${packages[@]}" </dev/null >&2
