#!/usr/bin/env bash
# Puts what requirements/$1.txt pins into the folder $2; $3 is the program uv, $4 a Python.
# An installation is made only once.
set -euo pipefail
requirements="$(cd "$(dirname "${BASH_SOURCE[0]}")/../../requirements" && pwd)/$1.txt"
folder="$2" uv="$3"
[ -e "$folder/.complete" ] && exit 0
"$uv" venv --quiet --clear --python "$4" "$folder"
"$uv" pip install --quiet --compile-bytecode --python "$folder/bin/python" --require-hashes -r "$requirements"
touch "$folder/.complete"
