"""Faust's worker program, whose log is redacted and names the request that it is about."""

import logging

import faust

from paas_stream.redaction import redact_handlers
from paas_stream.request_ids import mark_handlers


class Worker(faust.Worker):
    """One worker process."""

    def on_setup_root_logger(self, logger: logging.Logger, level: int) -> None:
        """Called when the handlers are there."""
        super().on_setup_root_logger(logger, level)
        mark_handlers(logger)
        redact_handlers(logger)
