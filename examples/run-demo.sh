#!/usr/bin/env bash
# Starts everything in the background from an empty run state and shows what it does with the examples.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

paas=.venv/bin/paas-stream
api=http://127.0.0.1:${PAAS_WEB_PORT:-6066}
export PAAS_FEEDER_FILES=examples/federation.yaml
export PAAS_RALLY_DIR=.paas-stream/rally PAAS_RALLY_INTERVAL_S=2
# the login at a site that refuses every connection
export DEMO_UNREACHABLE_USERNAME=nobody DEMO_UNREACHABLE_PASSWORD=nothing

say() { printf '\n==> %s\n' "$*"; }

say "Starting Kafka, the Infrastructure Manager and one worker"
"$paas" up --fresh --background

say "A Rally report of site-a, as its task report of today"
mkdir -p "$PAAS_RALLY_DIR/site-a"
cat >"$PAAS_RALLY_DIR/site-a/report.json" <<END
{"info": {"generated_at": "$(date -u +%Y-%m-%dT%H:%M:%S)"},
 "tasks": [{"uuid": "demo", "status": "finished", "pass_sla": true, "tags": ["demo"],
            "updated_at": "$(date -u +%Y-%m-%dT%H:%M:%S)",
            "subtasks": [{"workloads": [{"scenario": {"NovaFlavors.list_flavors": {}},
                                         "pass_sla": true, "full_duration": 1.5}]}]}]}
END

say "What a template needs, without deploying it"
"$paas" validate examples/cluster.yaml --input workers=2

say "Where it would go, and why: nothing is sent"
"$paas" submit examples/vm.yaml --group demo --dry-run

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

say "What Rally says of site-a"
curl -fsS "$api/providers?size=100" | .venv/bin/python -c 'import json, sys
for one in json.load(sys.stdin)["content"]: print(f"""  {one["name"]}/{one["region"]}: {one["health"]}""")'

say "The boxes that are alive"
curl -fsS "$api/components" | .venv/bin/python -c 'import json, sys
for one in json.load(sys.stdin)["components"]: print(f"""  {one["component"]}: {one["state"]}""")'

cat <<END

What to look at next:
  $api/ui/                    the page: deployments and their timelines, live
  .venv/bin/paas-stream events UUID --follow   every step of a deployment, and why, as it happens
  .venv/bin/paas-stream ranking UUID           why it went there, and why not elsewhere
  .venv/bin/paas-stream topics describe        what is on the topics, who writes and who reads it
  .venv/bin/paas-stream topics tail errors -b  what went wrong anywhere (also: template, training ...)
  .venv/bin/paas-stream delete UUID --wait     take a deployment down again
  curl $api/metrics           numbers for Prometheus (also: /providers, /components)
  .paas-stream/workers/worker-0/service.log    the worker's log
  make stop                                    stop everything
END
