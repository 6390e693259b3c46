"""A provider row: the last message of one provider, region and project, ready to be matched."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Self

from paas_stream.records import Feeder, Flavor, Image
from paas_stream.selection import flavors, images, networks, quotas


@dataclass(frozen=True)
class ProviderRow:
    """What the Feeder said last, and when that arrived.

    Kept for as long as the message is the last one: what does not depend on the template is worked
    out once, by `prepare` when the message comes, or else at the first request.
    """

    feeder: Feeder
    received_at: datetime
    kept: Mapping[str, datetime] = field(default_factory=dict)  # older parts -> when they were read

    def prepare(self) -> Self:
        """The same row with everything worked out, so that no request has to wait for it."""
        _ = self.name, self.site, self.flavors, self.images, self.networks, self.budget
        _ = self.storage_class, self.sla_days, self.unread
        return self

    @cached_property
    def name(self) -> tuple[str, str, str]:
        """Provider, region, project."""
        return self.feeder.provider_name, self.feeder.region_name, self.feeder.project_id

    @cached_property
    def site(self) -> tuple[str, str]:
        """Provider and region."""
        return self.feeder.provider_name, self.feeder.region_name

    @cached_property
    def flavors(self) -> tuple[Flavor, ...]:
        """In the order in which they are tried."""
        return flavors.in_order(self.feeder.flavors)

    @cached_property
    def images(self) -> tuple[Image, ...]:
        """In the order in which they are tried."""
        return images.in_order(self.feeder.images)

    @cached_property
    def networks(self) -> networks.Offer:
        """The networks that new machines use."""
        return networks.offer(self.feeder.networks, self.feeder.provider_type)

    @cached_property
    def budget(self) -> quotas.Budget:
        """Limits and usage."""
        return quotas.budget(self.feeder.quotas, self.storage_class)

    @cached_property
    def storage_class(self) -> str | None:
        """The class that volumes of containers get when they name none."""
        classes = self.feeder.storage_classes
        return next((one.name for one in classes if one.is_default), None)

    @cached_property
    def sla_days(self) -> tuple[date, date] | None:
        """First and last day of the agreement; None: they cannot be read."""
        start, end = self.feeder.sla_start, self.feeder.sla_end
        try:
            return (
                date.fromisoformat(start) if start else date.min,
                date.fromisoformat(end) if end else date.max,
            )
        except ValueError:
            return None

    @cached_property
    def unread(self) -> frozenset[str]:
        """What a machine needs and was never read."""
        needed = ("flavors", "images", "networks")
        return frozenset(p for p in needed if not self.knows(p) and not getattr(self.feeder, p))

    def knows(self, part: str) -> bool:
        """Whether a part of the message, as in `records.feeder.PARTS`, was ever read."""
        return part not in self.feeder.unknown
