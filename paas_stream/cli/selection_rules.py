"""`paas-stream providers rules`: the rules of the selector, as `docs/selection.md` has them."""

from pathlib import Path

import click

from paas_stream.selection.reasons import Area, Code

_HEAD = """\
# Who can host a template, and why the others cannot

Made from the code by `make docs`; do not edit.

Every provider, region and project is held against all rules. Each one that fails is told with its code
and a sentence with the numbers: in the timeline, in `inference`, by a dry run (`paas-stream providers
why FILE`), and in `errors` when nobody is left. Of a provider that is not open to the user's group only
that is told.
"""
_NOTES = """\
Quotas are limits minus usage, against what the whole template takes: per node its flavor, times its
number. -1 is unlimited; a quota that is not known excludes nobody. Limits per user are rules of their
own. Overbooking makes no quota larger. The flavor is the smallest that fits (GPUs, vCPUs, RAM, disk),
those private to the project first.

Before each create the dispatcher asks for room: what deployments under way will take counts as used, so
that many requests at once do not all go where there is room for one. Such room is held until the
attempt has ended and nothing of it is left, or until a reading of the provider that began after all
machines were there, or at most until some time after the attempt's deadline. Where there is no room the
attempt ends with the failure `quota`, the numbers are told, and the next provider is asked; it does not
count as tried.

A policy that names an agreement which no known provider serves, and a second placement policy, are
errors of the template.
"""


def page() -> str:
    """The page, Markdown."""
    parts = [_HEAD]
    for area in Area:
        rows = [f"| `{code.value}` | {code.rule} |" for code in Code if code.area is area]
        parts.append(
            "\n".join(
                [f"## {area.capitalize()}", "", "| code | the rule |", "|---|---|", *rows, ""]
            )
        )
    return "\n".join([*parts, "## Notes", "", _NOTES])


@click.command()
@click.option("--write", "file", type=click.Path(path_type=Path, dir_okay=False))
def rules(file: Path | None) -> None:
    """Print the rules by which providers are left out; with --write into a file."""
    if file is None:
        click.echo(page(), nl=False)
    else:
        file.write_text(page(), encoding="utf-8")
