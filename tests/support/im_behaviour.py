"""How the model of the IM behaves in a game: drawn at random, the good more often than the bad."""

from hypothesis import strategies as st
from support.im_model import STARTING

# what an infrastructure goes through; the last state lasts
STATES = st.sampled_from(
    [
        ["pending", "running", "configured"],
        ["running", "configured"],
        ["configured"],
        ["pending"],
        [STARTING],
        [STARTING, "running", "configured"],
        ["running"],
        ["running", "unknown"],
        ["pending", "failed"],
        ["running", "unconfigured"],
    ]
)
# what becomes of an effect
HOW = st.sampled_from(
    ["ok"] * 8 + ["fault", "lost", "late", "refused", "template", "paused", "vanish", "mute"]
)
# how an infrastructure takes its deletes
TRAITS = st.fixed_dictionaries(
    {
        "stubborn": st.sampled_from([0, 0, 1, 3, 10_000]),
        "undeletable": st.sampled_from([False, False, False, True]),
        "resurrects": st.sampled_from([0, 0, 1, 2, 20]),
    }
)
