"""Whether this worker may answer from its tables; the web server starts long before they are filled."""

from dataclasses import dataclass

import faust


@dataclass
class Readiness:
    """`reason` says why the worker is not ready; None when it is."""

    app: faust.App
    broker: str | None = "Kafka has not answered yet"  # set by the boot strategy
    catalog: str | None = None  # set while no provider is known yet

    @property
    def reason(self) -> str | None:
        """A sentence, or None.

        `recovery.completed` is never cleared, so it does not suffice alone.
        """
        if self.app.should_stop:
            return "the worker is being stopped"
        if self.broker is not None:
            return self.broker
        if not self.app.tables.recovery.completed.is_set():
            return "tables are being recovered"
        if self.app.rebalancing:
            return "partitions are being assigned anew"
        if self.app.in_recovery:
            return "tables are being recovered"
        return self.catalog

    @property
    def tables_ready(self) -> bool:
        """Tables are filled and this worker's partitions are its own."""
        return self.reason is None or self.reason == self.catalog
