"""Faust's worker program, whose log is redacted."""

import logging

import faust

from paas_stream.redaction import redact_handlers


class Worker(faust.Worker):
    """One worker process."""

    def on_setup_root_logger(self, logger: logging.Logger, level: int) -> None:
        """Called when the handlers are there."""
        super().on_setup_root_logger(logger, level)
        redact_handlers(logger)
