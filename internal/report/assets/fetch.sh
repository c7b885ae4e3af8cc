#!/bin/sh
# Fetches the pinned charting library into this folder, where the next build
# embeds it. Without it reports hold static SVG charts instead of interactive
# ones; nothing else changes.
#
# usage: fetch.sh [--optional]
#   --optional  exit 0 when npm or its registry cannot be reached; a file with
#               the wrong checksum is an error all the same
set -eu

here=$(cd "$(dirname "$0")" && pwd)

case "$*" in
'') optional=no ;;
--optional) optional=yes ;;
*)
	echo "usage: $0 [--optional]" >&2
	exit 2
	;;
esac

# unavailable ends the script when the library cannot be had.
unavailable() {
	echo "fetch.sh: $1; reports will hold static SVG charts" >&2
	[ "$optional" = yes ] && exit 0
	echo "fetch.sh: install npm and run 'make assets' again, or pass --optional" >&2
	exit 1
}

# sha256 prints the SHA-256 of a file.
sha256() {
	if command -v sha256sum >/dev/null 2>&1; then
		sha256sum "$1" | cut -d ' ' -f 1
	else
		shasum -a 256 "$1" | cut -d ' ' -f 1
	fi
}

read -r package file want <<PIN
$(grep -v '^#' "$here/echarts.pin")
PIN

if [ -f "$here/echarts.min.js" ] && [ "$(sha256 "$here/echarts.min.js")" = "$want" ]; then
	echo "fetch.sh: $package is here already"
	exit 0
fi

command -v npm >/dev/null 2>&1 || unavailable "npm is not installed"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT INT TERM
(cd "$tmp" && npm pack --silent "$package" >/dev/null) || unavailable "npm pack $package failed"
tar -xzf "$tmp"/*.tgz -C "$tmp"

got=$(sha256 "$tmp/package/$file")
if [ "$got" != "$want" ]; then
	echo "fetch.sh: $package $file has SHA-256 $got, want $want; nothing was installed" >&2
	exit 1
fi

cp "$tmp/package/LICENSE" "$here/echarts.LICENSE"
cp "$tmp/package/NOTICE" "$here/echarts.NOTICE"
cp "$tmp/package/licenses/LICENSE-d3" "$here/echarts.LICENSE-d3"
cp "$tmp/package/$file" "$tmp/echarts.min.js"
mv "$tmp/echarts.min.js" "$here/echarts.min.js"
echo "fetch.sh: $package installed; the next build embeds it"
