"""All that knows the traps of Faust 0.15: each module is one guard, and says what it guards from.

`producer` (a commit waits for every changelog record; a lost record ends the process), `agents`
(an exception becomes a record in `errors` before the event is acknowledged), `flow` (no event is
cleared from a queue after a recovery), `effects` and `due` (slow work outside of agents, with leases
and ticks), `declare` (topics exist with the right partitions), `boot` (the web server answers while
the broker is away), `readiness` and `tables`.
"""
