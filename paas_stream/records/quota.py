"""`quota-requests` (internal): what attempts are about to take of a project's quotas."""

from typing import Literal

from pydantic import Field

from paas_stream.records.base import Message, Moment, Number, Uuid, Whole
from paas_stream.records.feeder import row_key


class QuotaRequest(Message):
    """`quota-requests` (internal): an attempt wants room, has its machines, or needs no room any more.

    A `hold` is answered in `dispatch-events`, the others are not.
    """

    uuid: Uuid
    attempt: Whole  # from 1
    request: Literal["hold", "created", "release"]
    provider_name: str
    region_name: str
    project_id: str
    issue: Whole = 0  # of a hold: which issue of the effect is answered
    owner: str = ""  # of a hold: subject of the user, for the limits per user
    demand: dict[str, Number] = Field(default={})  # of a hold: what the template takes, by resource
    expires_at: Moment | None = None  # of a hold: by then the attempt has ended

    @property
    def key(self) -> str:
        """Which project: provider/region/project."""
        return row_key(self.provider_name, self.region_name, self.project_id)
