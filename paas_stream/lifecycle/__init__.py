"""Pure state machines: `step(row, event, now)` gives the next row, what to say and what to do.

No Faust, no I/O, no clock, no randomness. `deployment` is what the user sees, `dispatch` is how the
dispatcher works, `attempt` is one provider's turn in it.
"""
