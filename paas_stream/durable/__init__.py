"""All that knows the traps of Faust 0.15: each module is one guard, and says what it guards from.

`app` puts them together, and lets the web server answer while the broker is away. `agents` (an
exception becomes a record in `errors` before the event is acknowledged), `producer` (a commit waits
for every changelog record; a lost record ends the process), `exits` (nor does a crash acknowledge
anything), `pulse` (a worker that stood still overwrites no rows), `flow` and `consumer` (no event is
lost at the end of a recovery), `effects`, `due` and `ticks` (slow work outside of agents, with
leases), `declare` (topics exist with the right partitions), `state` (no local table that is ahead of
Kafka), `tables`, `positions` and `readiness`. `changelog`, `outbox`, `lanes`, `fetch_plan` and
`fetch_sessions` make it fast (decision 9). `boxes`, `lag` and `metrics` tell how the work goes.
"""
