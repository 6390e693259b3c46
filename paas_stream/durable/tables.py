"""How tables are stored: rocksdict with small caches, and whole rows only."""

from collections.abc import Callable
from typing import Any

import faust

MIB = 1024 * 1024


def store_options() -> dict[str, Any]:
    """Options of one table's store, for each partition; a fresh dict, since Faust changes it.

    The defaults are 2 GiB of block cache and nine tenths of all open files for every partition.
    """
    return {
        "driver": "rocksdict",
        "block_cache_size": 16 * MIB,
        "write_buffer_size": 4 * MIB,
        "max_open_files": 64,
    }


def table(app: faust.App, name: str, partitions: int) -> Any:
    """A table that lives beside the per-deployment topics.

    No `value_type`: with `dict` a recovery fails with a mere warning.
    """
    return app.Table(name, key_type=str, partitions=partitions, options=store_options())


def row_table(app: faust.App, name: str, partitions: int) -> Any:
    """A table beside the per-deployment topics whose values are encoded by its user: JSON as bytes.

    Faust would encode each value twice, for the store and for the changelog.
    """
    return app.Table(
        name, key_type=str, value_type=bytes, partitions=partitions, options=store_options()
    )


def global_table(app: faust.App, name: str, on_change: Callable[[Any], Any] | None = None) -> Any:
    """A table that every worker has whole: one partition, each record applied as it comes."""
    return app.GlobalTable(
        name,
        key_type=str,
        partitions=1,
        recovery_buffer_size=1,
        options=store_options(),
        on_changelog_event=on_change,
    )
