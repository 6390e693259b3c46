#!/usr/bin/env bash
# Puts the OpenID provider of package-lock.json into the folder $1; an installation is made only once.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
folder="$1"
[ -e "$folder/.complete" ] && exit 0
mkdir -p "$(dirname "$folder")"
draft="$(mktemp -d "$folder.XXXXXX")"
trap 'rm -rf "$draft"' EXIT
cp "$here/package.json" "$here/package-lock.json" "$draft"
npm ci --prefix "$draft" --ignore-scripts --no-audit --no-fund --loglevel=error
touch "$draft/.complete"
rm -rf "$folder"
mv -T "$draft" "$folder"
