"""What a form needs to know of a template: its inputs, nodes, needs, outputs and policies."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from paas_stream.tosca import inputs, limits, policies, template
from paas_stream.tosca.options import Options

_SHOWN = ("description", "default", "constraints", "entry_schema")


def inspect(text: str, given: Mapping[str, Any], options: Options | None = None) -> dict[str, Any]:
    """Describe a template, with `given` for its inputs; those that need a value may be without.

    Requirements are those with the values in force; a warning names what they cannot say yet.
    Raises InvalidTemplateError with all other faults, as `template.validate` does.
    """
    options = options or Options()
    made = template.validate(text, given, options, draft=True)
    declared = limits.load(text, options.limits)["topology_template"].get("inputs") or {}
    topology = made.document["topology_template"]
    return {
        "templateName": made.template_name,
        "description": made.document.get("description") or "",
        "automatic": made.is_automatic,
        "inputs": [_input(name, definition) for name, definition in declared.items()],
        "nodes": [
            {"name": name, "type": node["type"]}
            for name, node in topology["node_templates"].items()
        ],
        "requirements": [
            one.model_dump(mode="json", exclude_none=True) for one in made.requirements
        ],
        "totals": asdict(made.totals),
        "objects": list(made.objects),
        "outputs": [
            {"name": name, "description": output.get("description") or ""}
            for name, output in (topology.get("outputs") or {}).items()
        ],
        "policies": [
            {
                "name": name,
                "type": policy["type"],
                "properties": policy.get("properties") or {},
                "targets": policy.get("targets") or [],
            }
            for name, policy in policies.named(made.document)
        ],
        "warnings": list(made.warnings),
    }


def _input(name: str, definition: Mapping[str, Any]) -> dict[str, Any]:
    shown = {key: definition[key] for key in _SHOWN if definition.get(key) is not None}
    required = inputs.is_required(definition)
    return {"name": name, "type": definition["type"], "required": required, **shown}
