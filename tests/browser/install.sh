#!/usr/bin/env bash
# Puts the browser of package.json into the folder $1 as $1/chromium.
set -euo pipefail
here="$(dirname "${BASH_SOURCE[0]}")"
folder="$1"
rm -rf "$folder"
mkdir -p "$folder"
cp "$here/package.json" "$here/package-lock.json" "$folder"
npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error
# the package unpacks the browser, its fonts and its renderer into the folder for temporary files
cd "$folder"
TMPDIR="$folder" node --input-type=module \
  -e 'import chromium from "@sparticuz/chromium"; await chromium.executablePath();'
rm -rf "$folder/node_modules"
"$folder/chromium" --version
