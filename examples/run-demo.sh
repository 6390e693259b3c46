#!/usr/bin/env bash
# Starts everything in the background from an empty run state and deploys the four examples.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

paas=.venv/bin/paas-stream
export PAAS_FEEDER_FILES=examples/federation.yaml
# the login at a site that refuses every connection
export DEMO_UNREACHABLE_USERNAME=nobody DEMO_UNREACHABLE_PASSWORD=nothing

say() { printf '\n==> %s\n' "$*"; }

say "Starting Kafka, the Infrastructure Manager and one worker"
"$paas" up --fresh --background

say "A virtual machine"
"$paas" submit examples/vm.yaml --group demo --wait

say "A cluster with a volume"
"$paas" submit examples/cluster.yaml --group demo --input workers=2 --wait

say "A machine whose first provider fails, so that the second is used"
"$paas" submit examples/failover.yaml --group demo-failover --wait

say "A template with mistakes"
if "$paas" submit examples/invalid.yaml --group demo; then
    echo "the invalid template was accepted" >&2
    exit 1
fi

say "All deployments"
"$paas" list

cat <<'END'

What to look at next:
  .venv/bin/paas-stream events UUID            every step of a deployment, and why
  .venv/bin/paas-stream topics tail errors -b  what went wrong anywhere (also: template, inference ...)
  .venv/bin/paas-stream delete UUID --wait     take a deployment down again
  curl http://127.0.0.1:6066/deployments       the REST API
  .paas-stream/workers/worker-0/service.log    the worker's log
  make stop                                    stop everything
END
