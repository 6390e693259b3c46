"""Free ports on loopback."""

import random

from paas_stream.local.processes import port_is_free

_LOWEST, _HIGHEST = 20_000, 32_000  # below the range from which clients draw their own ports


def free_port(count: int = 1) -> int:
    """The first of `count` consecutive free ports."""
    while True:
        port = random.randrange(_LOWEST, _HIGHEST)
        if all(port_is_free(port + more) for more in range(count)):
            return port
