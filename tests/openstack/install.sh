#!/usr/bin/env bash
# Makes the databases of the OpenStack services, once, beside their environment in the folder $1.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
databases="$1/databases-$(cat "$here/build.py" "$here/services.py" | sha256sum | cut -c1-12)"
[ -e "$databases" ] && exit 0
rm -rf "$databases.part"
"$1/bin/python" "$here/build.py" "$databases.part"
mv "$databases.part" "$databases"
