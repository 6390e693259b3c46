"""Validation of a TOSCA template: text and inputs in, a self-contained document out, or all faults.

Called in a worker process of the pool by the template parser and the REST API, and directly by the
command line. No network, no file but our own types.
"""

import copy
from collections.abc import Mapping
from typing import Any

from paas_stream.errors import InvalidTemplateError
from paas_stream.records import NodeTarget
from paas_stream.tosca import inputs as inputs_
from paas_stream.tosca import limits as limits_
from paas_stream.tosca import merge, parser, requirements, resolve, shape, types
from paas_stream.tosca.validated import Validated


def validate(
    text: str, inputs: Mapping[str, Any], *, limits: limits_.Limits | None = None
) -> Validated:
    """Check a template and its inputs.

    1. Read the text within the limits.
    2. Check the outer form; imports are refused by name.
    3. Check the inputs.
    4. Put their values in place; the form must still hold, and volumes of size 0 go.
    5. Merge in the type definitions that the template needs.
    6. Let the TOSCA parser check all of it.
    7. Read what the nodes need.
    8. With types of its own: let the parser check it as it would be sent.

    Raises InvalidTemplateError with the faults of steps 3 to 7 together, those of step 2 with
    those of the inputs, and those of the other steps alone.
    """
    limits = limits or limits_.Limits()
    tree = limits_.load(text, limits)  # 1
    limits_.check(inputs, limits, "inputs")
    faults = shape.faults(tree)  # 2
    if faults:
        raise InvalidTemplateError(faults + _input_faults(tree, inputs))
    checked = _check_inputs(tree, inputs)  # 3
    resolved = resolve.resolve(tree, checked.values, _declared(tree))  # 4
    limits_.check(resolved.document, limits, "the template with its inputs in place")
    faults = checked.faults + resolved.faults
    misshapen = shape.faults(resolved.document)
    if misshapen:
        raise InvalidTemplateError(faults + misshapen)
    resolve.drop_empty_volumes(resolved.document)
    document = types.with_needed(resolved.document)  # 5
    faults += parser.faults(_for_parser(document, resolved.unresolved))  # 6
    extracted = requirements.extract(document)  # 7
    faults += _unreported(extracted.faults, faults)
    if not faults and not any(node.count for node in extracted.requirements):
        faults.append("topology_template.node_templates: there is no compute node to deploy")
    if not faults and any(tree.get(section) for section in types.SECTIONS):
        faults = _faults_when_sent(document)  # 8
    if faults:
        raise InvalidTemplateError(list(dict.fromkeys(faults)))
    return Validated(
        document=document,
        template_name=str((document.get("metadata") or {}).get("template_name") or ""),
        is_automatic=not _has_placement(document),
        requirements=extracted.requirements,
        warnings=(*checked.warnings, *extracted.warnings),
    )


def _unreported(found: list[str], faults: list[str]) -> list[str]:
    """Those of `found` about a place of which `faults` say nothing yet."""
    places = {fault.partition(": ")[0] for fault in faults}
    return [fault for fault in found if fault.partition(": ")[0] not in places]


def _check_inputs(tree: Mapping[str, Any], given: Mapping[str, Any]) -> inputs_.Checked:
    definitions = tree["topology_template"].get("inputs") or {}
    known = types.shipped().get("data_types", {}).keys() | (tree.get("data_types") or {}).keys()
    return inputs_.check(definitions, given, frozenset(known))


def _input_faults(tree: Any, given: Mapping[str, Any]) -> list[str]:
    """Faults of the inputs of a template that is out of shape, if they can be read."""
    try:
        return _check_inputs(tree, given).faults
    except (AttributeError, KeyError, TypeError):
        return []


def _declared(tree: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(tree["topology_template"].get("inputs") or {})


def _for_parser(document: types.Document, unresolved: set[str]) -> types.Document:
    """A copy that the parser may change, in which inputs without a value are declared.

    Their fault is reported already; this way the parser finds the others. The capabilities that
    are filled in for a provider are there, because the parser checks none that is not.
    """
    duplicate = copy.deepcopy(document)
    for node in types.nodes_of(duplicate, types.COMPUTE).values():
        node["capabilities"] = node.get("capabilities") or {}
        for capability in ("host", "os", "endpoint"):
            node["capabilities"].setdefault(capability, {"properties": {}})
    if unresolved:
        duplicate["topology_template"]["inputs"] = {
            name: {"type": "string", "required": False} for name in unresolved
        }
    return duplicate


def _faults_when_sent(document: types.Document) -> list[str]:
    """Why a document whose template defines types of its own could not be sent to a provider.

    Such a type may leave no place for a flavor, an image, a network or tags.
    """
    target = NodeTarget(flavor="flavor", image="image", network="network")
    nodes = dict.fromkeys(types.nodes_of(document, types.COMPUTE), target)
    sent = merge.filled_in(document, nodes, tags={"tag": "value"}, metadata={})
    return [f"{fault} (needed for a provider)" for fault in parser.faults(sent)]


def _has_placement(document: types.Document) -> bool:
    policies = document["topology_template"].get("policies") or []
    return any(
        types.derives(document, "policy_types", policy.get("type"), types.PLACEMENT)
        for named in policies
        for policy in named.values()
    )
