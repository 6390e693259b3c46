"""What the dispatcher's effects need besides the row: kept apart from it, since it is large and seldom
changes.
"""

from dataclasses import replace
from typing import Any

from paas_stream.lifecycle.dispatch_row import DispatchRow
from paas_stream.records import Command, Message, RankedProviders, ValidatedTemplate
from tables.dispatches import DispatchInputs, dispatch_inputs


def store(message: Message, row: DispatchRow | None) -> None:
    """Store what a message brings. A fresh token of the user serves all that follows."""
    match message:
        case Command(access_token=str(token)) if row is not None:
            inputs = replace(_of(message.uuid), access_token=token)
        case ValidatedTemplate() | RankedProviders():
            known = _of(message.uuid)
            inputs = _joined(known, message, row)
            if inputs is known:
                return
        case _:
            return
    dispatch_inputs.put(message.uuid, inputs)


def _of(uuid: str) -> DispatchInputs:
    return dispatch_inputs.get(uuid) or DispatchInputs()


def _joined(
    inputs: DispatchInputs, message: ValidatedTemplate | RankedProviders, row: DispatchRow | None
) -> DispatchInputs:
    if message.revision > 1:
        return _of_update(inputs, message, row)
    if isinstance(message, RankedProviders):
        known = inputs.candidates is not None
        return inputs if known else replace(inputs, candidates=_as_json(message))
    if inputs.template is not None:
        return inputs
    return replace(
        inputs,
        template=message.template,
        owner=message.request.owner.subject,
        access_token=message.request.access_token,
    )


def _as_json(message: RankedProviders) -> tuple[dict[str, Any], ...]:
    return tuple(one.model_dump(mode="json", exclude_none=True) for one in message.ranked_providers)


def _of_update(
    inputs: DispatchInputs, message: ValidatedTemplate | RankedProviders, row: DispatchRow | None
) -> DispatchInputs:
    update = inputs.update(message.revision)
    least = row.revision if row is not None else 0
    if isinstance(message, RankedProviders):
        return inputs.with_update(replace(update, candidates=_as_json(message)), least)
    token = message.request.access_token or inputs.access_token
    inputs = replace(inputs, access_token=token)
    return inputs.with_update(replace(update, template=message.template), least)
