"""JSON of servers that write what JSON does not have, as Python's own writer does.

What is read goes into messages and answers of ours, which are strict: a value that they cannot carry
becomes text.
"""

import json
import math
from typing import Any

import orjson

from paas_stream.records.base import as_json


def read(text: str) -> Any:
    """The value in `text`. Raises ValueError, or RecursionError, where there is none."""
    try:
        return orjson.loads(text)
    except ValueError:
        found = json.loads(text, parse_constant=str, parse_float=_number)
        return orjson.loads(as_json(found))  # a half of a character may be there as an escape


def _number(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) else digits
