"""How commands print."""

from collections.abc import Iterator, Sequence

from rich.console import Console

# nothing is cut or folded to fit a terminal, and brackets and colons are no markup
out = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)


def columns(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Lines in which each column is as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield "  ".join(cells).rstrip()
