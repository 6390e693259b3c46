"""Template parser: `template` -> `validated-templates`."""

from typing import Any

from agents.steps import AT_ONCE, Step
from paas_stream import topics
from paas_stream.app import app
from paas_stream.durable.agents import Received, agent
from paas_stream.durable.metrics import PARSER
from paas_stream.records import Template
from paas_stream.tosca.owner_key import OwnerKey
from paas_stream.tosca.pool import ParserPool

COMPONENT = "template-parser"

pool = ParserPool(app.settings.parser)
PARSER.add(lambda: {("agent", state): number for state, number in pool.load.items()})


@agent(app, COMPONENT, topics.TEMPLATE, at_once=AT_ONCE)
async def template_parser(received: Received) -> None:
    """Validate a template and say what it needs."""
    message: Template = received.message
    async with Step(received, COMPONENT, "validate") as step:
        key = OwnerKey.of(message)
        validated = await pool.validate(message.template, message.template_inputs, key)
        nodes = sum(node.count for node in validated.requirements)
        step.message = f"the template is valid: {nodes} nodes to be placed"
        if validated.warnings:
            step.message += f"; warnings: {'; '.join(validated.warnings)}"
        step.emit(validated.message(message))


@app.task
async def warm() -> None:
    """Start the worker processes before the first template comes."""
    await pool.warm()


@app.on_before_shutdown.connect(weak=False)
async def close(*_: Any, **__: Any) -> None:
    """Stop the worker processes."""
    await pool.close()
