#!/usr/bin/env bash
# Puts the Keystone of requirements/keystone.txt into the folder $1; $2 is the program uv, $3 a Python.
# An installation is made only once.
set -euo pipefail
requirements="$(cd "$(dirname "${BASH_SOURCE[0]}")/../../requirements" && pwd)/keystone.txt"
folder="$1" uv="$2"
[ -e "$folder/.complete" ] && exit 0
"$uv" venv --quiet --clear --python "$3" "$folder"
"$uv" pip install --quiet --compile-bytecode --python "$folder/bin/python" --require-hashes -r "$requirements"
touch "$folder/.complete"
