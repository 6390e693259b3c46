"""`paas-stream validate`: a template checked on this machine, as a worker would check it."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from paas_stream.cli.deployments import parsed_inputs
from paas_stream.cli.output import columns, out
from paas_stream.errors import Fault, InvalidTemplateError, PermanentError
from paas_stream.records import NodeRequirement
from paas_stream.settings import ParserSettings, get_settings
from paas_stream.tosca import yamltext
from paas_stream.tosca.pool import ParserPool
from paas_stream.tosca.validated import Validated

_COLUMNS = (
    "NODE",
    "KIND",
    "COUNT",
    "CPUS",
    "MEMORY MIB",
    "DISK GIB",
    "GPUS",
    "IMAGE",
    "ADDRESS",
    "PORTS",
    "VOLUMES GIB",
)


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--input", "-i", "pairs", multiple=True, metavar="NAME=VALUE", help="An input.")
@click.option(
    "--inputs",
    "inputs_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A YAML or JSON file with inputs; --input goes before it.",
)
@click.option(
    "--unknown-inputs",
    type=click.Choice(["warn", "error"]),
    help="What inputs are that the template does not declare.",
)
@click.option("--lenient", is_flag=True, help="A missing or repeated requirement is a warning.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON.")
@click.pass_context
def validate(
    context: click.Context,
    file: Any,
    pairs: tuple[str, ...],
    inputs_file: Path | None,
    unknown_inputs: str | None,
    lenient: bool,
    as_json: bool,
) -> None:
    """Check the TOSCA template FILE; nothing is deployed.

    FILE may be -, the standard input. Exits with 0 and a summary when the template is valid, with 1
    and all faults when it is not.
    """
    settings = get_settings().parser
    changes: dict[str, Any] = {"workers": 1}
    if lenient:
        changes["mode"] = "lenient"
    if unknown_inputs:
        changes["unknown_inputs"] = unknown_inputs
    inputs = (_inputs_of(inputs_file) if inputs_file else {}) | parsed_inputs(pairs)
    text = _text(file.read(settings.max_bytes + 1))
    try:
        made = asyncio.run(_validated(settings.model_copy(update=changes), text, inputs))
    except InvalidTemplateError as exc:
        _show_faults(exc.details, as_json)
        context.exit(1)
    if as_json:
        out.print(json.dumps(_as_values(made), indent=2))
    else:
        _show(made)


async def _validated(settings: ParserSettings, text: str, inputs: Mapping[str, Any]) -> Validated:
    pool = ParserPool(settings)
    try:
        await pool.warm()  # starting the process does not count as time of the template
        return await pool.validate(text, inputs)
    finally:
        await pool.close()


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as exc:
        raise PermanentError("the template is not UTF-8 text") from exc


def _inputs_of(file: Path) -> dict[str, Any]:
    try:
        values = yamltext.build(file.read_text("utf-8"))
        json.dumps(values, allow_nan=False)
    except (ValueError, TypeError, RecursionError) as exc:
        raise PermanentError(f"{file} is neither YAML nor JSON: {exc}") from exc
    if not isinstance(values, dict):
        raise PermanentError(f"{file} must hold a map of inputs")
    return values


def _show_faults(faults: tuple[Fault, ...], as_json: bool) -> None:
    if as_json:
        out.print(json.dumps({"valid": False, "faults": [asdict(one) for one in faults]}, indent=2))
        return
    click.echo(f"the template is refused, faults: {len(faults)}", err=True)
    for fault in faults:
        click.echo(f"  - {fault}", err=True)


def _as_values(made: Validated) -> dict[str, Any]:
    return {
        "valid": True,
        "templateName": made.template_name,
        "automatic": made.is_automatic,
        "slas": list(made.sla_ids),
        "nodes": [node.model_dump(mode="json") for node in made.requirements],
        "totals": asdict(made.totals),
        "objects": list(made.objects),
        "inputs": dict(made.inputs),
        "warnings": list(made.warnings),
    }


def _show(made: Validated) -> None:
    out.print(Text.assemble(("the template is valid", "green"), f"  {made.template_name}".rstrip()))
    for line in columns(_nodes(made)):
        out.print(line)
    for name, value in _facts(made):
        out.print(Text.assemble((f"{name:<10}", "bold"), value))
    for warning in made.warnings:
        out.print(Text.assemble(("warning: ", "yellow"), warning))


def _nodes(made: Validated) -> list[tuple[str, ...]]:
    """A table of the nodes, with the sums where there are several."""
    rows = [_COLUMNS, *(_cells(node) for node in made.requirements)]
    if len(made.requirements) > 1:
        sums = made.totals
        rows.append(
            (
                "in all",
                "",
                str(sums.machines + sums.containers),
                f"{sums.cpus:g}",
                str(sums.memory_mib),
                str(sums.disk_gib),
                str(sums.gpus),
                "",
                f"{sums.public_addresses} public",
                "",
                str(sums.volumes_gib),
            )
        )
    return rows


def _cells(node: NodeRequirement) -> tuple[str, ...]:
    address = "public" if node.public_address else "private"
    return (
        node.name,
        "machine" if node.kind == "compute" else node.kind,
        str(node.count),
        f"{node.cpus:g}",
        str(node.memory_mib),
        str(node.disk_gib),
        str(node.gpus),
        node.image or "-",
        f"{address} ({', '.join(node.networks)})" if node.networks else address,
        ", ".join(node.ports) or "-",
        ", ".join(map(str, node.volumes_gib)) or "-",
    )


def _facts(made: Validated) -> list[tuple[str, str]]:
    facts = [("input", f"{name} = {json.dumps(value)}") for name, value in made.inputs.items()]
    facts += [("object", one) for one in made.objects]
    facts += [("agreement", one) for one in made.sla_ids]
    return facts
