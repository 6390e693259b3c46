"""What runs in a worker process of the pool."""

import importlib
import logging
import resource
import signal
from collections.abc import Mapping
from typing import Any

from paas_stream.errors import InvalidTemplateError
from paas_stream.tosca.limits import Limits
from paas_stream.tosca.validated import Refused, Validated

_log = logging.getLogger(__name__)

VALIDATION = "paas_stream.tosca.template"  # imported here only: it brings the TOSCA parser


def start(memory_mib: int) -> None:
    """Get ready: the modules are loaded and the memory is limited before the first template."""
    importlib.import_module(VALIDATION)
    limit = memory_mib * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)


def run(
    text: str, inputs: Mapping[str, Any], limits: Limits, alarm_s: float
) -> Validated | Refused:
    """Validate one template.

    The pool ends this process when its time is up. The alarm, which comes later, does so when the
    pool is no longer there.
    """
    signal.setitimer(signal.ITIMER_REAL, alarm_s)
    try:
        template = importlib.import_module(VALIDATION)
        validated: Validated = template.validate(text, inputs, limits=limits)
    except InvalidTemplateError as exc:
        return Refused(tuple(exc.faults))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - logged, and the next template must be served
        _log.exception("a template made the parser fail")
        return Refused(("the template cannot be understood; the log of the parser says why",))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return validated
