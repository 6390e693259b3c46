"""Validation of a TOSCA template: text and inputs in, a self-contained document out, or all faults.

Called in a worker process of the pool. No network, no file but type definitions: our own, and those
that an operator added.
"""

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from paas_stream.errors import ConfigurationError, Fault, InvalidTemplateError
from paas_stream.records import NodeTarget
from paas_stream.tosca import (
    catalogue,
    containers,
    cycles,
    files,
    imports,
    known_secrets,
    lines,
    merge,
    nodes,
    owner_key,
    parser,
    policies,
    properties,
    requirements,
    resolve,
    shape,
    types,
)
from paas_stream.tosca import inputs as inputs_
from paas_stream.tosca import limits as limits_
from paas_stream.tosca.catalogue import Catalogue
from paas_stream.tosca.options import Options
from paas_stream.tosca.validated import Validated
from paas_stream.tosca.vetted import Vetted


def validate(
    text: str, inputs: Mapping[str, Any], options: Options | None = None, *, draft: bool = False
) -> Validated:
    """Check a template and its inputs.

    1. Read the text within the limits.
    2. Check the outer form; look up the imports, whose types must be vetted; find types that derive
       from themselves.
    3. Check the inputs, the owner's key among them.
    4. Put their values in place; the form must still hold, and volumes of size 0 go.
    5. Merge in the type definitions that the template needs.
    6. Put properties in place where others are made of them.
    7. Let the TOSCA parser check all of it.
    8. Look for files of machines; read what the nodes need.
    9. With types that are not ours: let the parser check it as it would be sent.

    In a `draft`, inputs that need a value may be without.

    Raises InvalidTemplateError with the faults of steps 3 to 8 together, those of step 2 with
    those of the inputs, and those of the other steps alone; each with its line where there is one.
    """
    options = options or Options()
    tree = limits_.load(text, options.limits)  # 1
    try:
        return _validate(tree, inputs, options, draft)
    except InvalidTemplateError as exc:
        told = {fault.text: fault for fault in exc.details}
        raise InvalidTemplateError(lines.located(text, told.values())) from None


def _validate(tree: Any, given: Mapping[str, Any], options: Options, draft: bool) -> Validated:
    limits_.check(given, options.limits, "inputs")
    imported = _NOTHING
    faults = shape.faults(tree)  # 2
    if not faults:
        if options.owner_key is not None:
            given = owner_key.filled_in(_inputs(tree), given, options.owner_key)
        imported, faults = _imported(tree, options)
    if not faults:
        faults = cycles.faults(catalogue.of(tree), _known(imported.types))
    if faults:
        raise InvalidTemplateError(faults + _input_faults(tree, given, options))
    checked = _check_inputs(tree, given, options, imported.types, draft)  # 3
    resolved = resolve.resolve(tree, checked.values, _declared(tree))  # 4
    limits_.check(resolved.document, options.limits, "the template with its inputs in place")
    faults = checked.faults + resolved.faults
    misshapen = shape.faults(resolved.document)
    if misshapen:
        raise InvalidTemplateError(faults + misshapen)
    resolve.drop_empty_volumes(resolved.document)
    resolved.document.pop("imports", None)
    document = types.with_needed(resolved.document, imported.types)  # 5
    faults += properties.put_in_place(document, options.limits)  # 6
    for section in ("node_templates", "outputs"):
        part = document["topology_template"].get(section)
        limits_.check(part, options.limits, f"the {section} with their properties in place")
    findings = parser.findings(_for_parser(document, resolved.unresolved))  # 7
    faults += findings.faults
    warnings = list(checked.warnings)
    (warnings if options.lenient else faults).extend(findings.occurrences)
    removals = nodes.take_removals(document)
    extracted = requirements.extract(document)  # 8
    objects, unreadable = containers.objects(document, options.limits)
    faults += files.faults(document) + _unreported([*extracted.faults, *unreadable], faults)
    if not faults and not any(node.count for node in extracted.requirements):
        faults.append(
            "topology_template.node_templates: there is no machine or container to deploy"
        )
    if not faults:
        own = any(tree.get(section) for section in types.SECTIONS)
        faults = _faults_when_sent(document, None if own else imported.digests)  # 9
    if faults:
        raise InvalidTemplateError(faults)
    return Validated(
        document=document,
        template_name=str((document.get("metadata") or {}).get("template_name") or ""),
        is_automatic=not policies.has_placement(document),
        requirements=extracted.requirements,
        warnings=(*warnings, *known_secrets.warnings(document), *extracted.warnings),
        sla_ids=policies.sla_ids(document),
        objects=tuple(objects),
        inputs=checked.values,
        nodes=nodes.of(document, extracted.requirements),
        removals=removals,
    )


@dataclass(frozen=True)
class _Imported:
    """Types that a template imports beside ours."""

    types: Catalogue
    digests: frozenset[str]  # of their files


_NOTHING = _Imported({}, frozenset())


def _imported(tree: Mapping[str, Any], options: Options) -> tuple[_Imported, list[str]]:
    """The types that a template imports beside ours, and what is wrong with its imports.

    An import that stands for our own types brings nothing: these are there for every template.
    """
    wanted, faults = imports.wanted(tree)
    vetted = _vetted(options.types)
    found: list[Catalogue] = []
    digests: frozenset[str] = frozenset()
    for one in wanted:
        try:
            if vetted.is_added(one.name):
                found.append(vetted.types(one.name))
                digests |= vetted.digests(one.name)
            elif not vetted.knows(one.name):
                faults.append(imports.unknown(one))
        except ConfigurationError as exc:
            faults.append(f"{one.path}: {exc.message}")
    return _Imported(imports.merged(found), digests), faults


@cache
def _vetted(directory: Path | None) -> Vetted:
    """The map of this process for a directory; it sees by itself when files are added."""
    return Vetted(directory)


def _known(imported: Catalogue) -> Catalogue:
    """Every type that is not the template's own."""
    return {**parser.simple_profile(), **catalogue.shipped(), **imported}


def _unreported(found: list[str], faults: list[str]) -> list[str]:
    """Those of `found` about a place of which `faults` say nothing yet."""
    places = {Fault.of(fault).path for fault in faults}
    return [fault for fault in found if Fault.of(fault).path not in places]


def _check_inputs(
    tree: Mapping[str, Any],
    given: Mapping[str, Any],
    options: Options,
    imported: Catalogue,
    draft: bool,
) -> inputs_.Checked:
    definitions = _inputs(tree)
    known = {**catalogue.shipped(), **imported, **catalogue.of(tree)}
    data_types = frozenset(n for n, entry in known.items() if entry.section == "data_types")
    checked = inputs_.check(definitions, given, data_types, draft=draft)
    if options.unknown_inputs == "error":
        checked.faults += checked.unknown
    else:
        checked.warnings += checked.unknown
    return checked


def _input_faults(tree: Any, given: Mapping[str, Any], options: Options) -> list[str]:
    """Faults of the inputs of a template that is out of shape, if they can be read."""
    try:
        return _check_inputs(tree, given, options, {}, False).faults
    except (AttributeError, KeyError, TypeError):
        return []


def _inputs(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    """The definitions of the inputs."""
    return tree["topology_template"].get("inputs") or {}


def _declared(tree: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(_inputs(tree))


def _for_parser(document: types.Document, unresolved: set[str]) -> types.Document:
    """A copy that the parser may change, in which inputs without a value are declared.

    Their fault is reported already; this way the parser finds the others. The capabilities that
    are filled in for a provider are there, because the parser checks none that is not.
    """
    duplicate: types.Document = pickle.loads(pickle.dumps(document))  # noqa: S301 - fast
    for node in types.nodes_of(duplicate, types.COMPUTE).values():
        node["capabilities"] = node.get("capabilities") or {}
        for capability in ("host", "os", "endpoint"):
            node["capabilities"].setdefault(capability, {"properties": {}})
    if unresolved:
        duplicate["topology_template"]["inputs"] = {
            name: {"type": "string", "required": False} for name in unresolved
        }
    return duplicate


_sendable: set[tuple[frozenset[str], frozenset[str]]] = set()  # type files and node types
_MOST_KEPT = 1000


def _faults_when_sent(document: types.Document, digests: frozenset[str] | None) -> list[str]:
    """Why a document with types that are not ours could not be sent to a provider.

    Such a type may leave no place for a flavor, an image, a network or tags. Only machines and
    their networks are looked at: the rest is sent as it was checked. `digests` are those of the
    type files that all types beside ours are from, None when there are others: what was found
    good for the same files and types is not looked at again.
    """
    nodes = types.nodes_of(document, types.COMPUTE)
    key = (digests or frozenset(), frozenset(str(node["type"]) for node in nodes.values()))
    if digests is not None and (not digests or key in _sendable):
        return []
    alone = {name: _without(node, "requirements", "interfaces") for name, node in nodes.items()}
    for kind in (types.PORT, types.NETWORK):
        alone |= types.nodes_of(document, kind)
    bare = {**document, "topology_template": {"node_templates": alone}}
    target = NodeTarget(flavor="flavor", image="image", network="network")
    filled_in = dict.fromkeys(nodes, target)
    sent = merge.filled_in(bare, filled_in, tags={"tag": "value"}, metadata={})
    found = parser.findings(sent).faults
    if not found and digests and len(_sendable) < _MOST_KEPT:
        _sendable.add(key)
    return [f"{fault} (needed for a provider)" for fault in found]


def _without(node: types.Document, *keys: str) -> types.Document:
    return {key: value for key, value in node.items() if key not in keys}
