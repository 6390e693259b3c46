"""What runs in a worker process of the pool."""

import gc
import importlib
import logging
import resource
import signal
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from paas_stream.errors import Fault, InvalidTemplateError
from paas_stream.tosca.options import Options
from paas_stream.tosca.owner_key import OwnerKey
from paas_stream.tosca.validated import Refused, Validated

_COLLECT_AFTER = 50_000  # new objects, about those of one template; 700 cost a tenth of the time
_log = logging.getLogger(__name__)

# imported here only: they bring the TOSCA parser
VALIDATION = "paas_stream.tosca.template"
INSPECTION = "paas_stream.tosca.inspection"


def start(memory_mib: int) -> None:
    """Get ready: the modules are loaded and the memory is limited before the first template."""
    prepare()
    limit = memory_mib * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)


def prepare() -> None:
    """Load the modules, and let Python look for garbage about once a template."""
    importlib.import_module(INSPECTION)
    gc.freeze()  # what is loaded now stays: collections need not look at it
    gc.set_threshold(_COLLECT_AFTER)


def run(
    text: str,
    inputs: Mapping[str, Any],
    options: Options,
    alarm_s: float,
    *,
    owner_key: OwnerKey | None = None,
) -> Validated | Refused:
    """Validate one template."""
    options = replace(options, owner_key=owner_key)
    answer: Validated | Refused = _guarded(VALIDATION, "validate", text, inputs, options, alarm_s)
    return answer


def inspect(
    text: str, inputs: Mapping[str, Any], options: Options, alarm_s: float
) -> dict[str, Any] | Refused:
    """Describe one template."""
    answer: dict[str, Any] | Refused = _guarded(
        INSPECTION, "inspect", text, inputs, options, alarm_s
    )
    return answer


def _guarded(
    module: str,
    function: str,
    text: str,
    inputs: Mapping[str, Any],
    options: Options,
    alarm_s: float,
) -> Any:
    """What a function makes of one template.

    The pool ends this process when its time is up. The alarm, which comes later, does so when the
    pool is no longer there.
    """
    signal.setitimer(signal.ITIMER_REAL, alarm_s)
    try:
        return getattr(importlib.import_module(module), function)(text, inputs, options)
    except InvalidTemplateError as exc:
        return Refused(exc.details)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - logged, and the next template must be served
        _log.exception("a template made the parser fail")
        return Refused(
            (Fault("the template cannot be understood; the log of the parser says why"),)
        )
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
