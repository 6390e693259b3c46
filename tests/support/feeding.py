"""Feeder messages about one project of one OpenStack provider."""

from datetime import datetime
from typing import Any

from paas_stream.records import Feeder


def feeder_message(read_at: datetime | None, **fields: Any) -> Feeder:
    """What was read of it then; None: the message does not say when."""
    timed = {} if read_at is None else {"timestamp": read_at}
    return Feeder.model_validate(
        {
            "provider_name": "site-a",
            "provider_type": "openstack",
            "provider_endpoint": "https://a",
            "project_id": "p",
            "user_group": "physics",
            **timed,
            **fields,
        }
    )
