"""What is kept of a ranking for the owner of a deployment: the order, the reasons, who is left out."""

from typing import Any

from paas_stream.records import ErrorRecord, Message, RankedProviders

# What only the dispatcher needs of a candidate: with it, a row of 100 would be three times as large.
_DROPPED = {
    "ranked_providers": {
        "__all__": {
            "target": {
                "issuer",
                "protocol",
                "credentials",
                "public_network",
                "private_network",
                "nodes",
            }
        }
    }
}


def kept(message: Message) -> dict[str, Any] | None:
    """The row for a message, a RankedProviders as JSON; None: it says nothing about the ranking.

    When no provider can host the template there is no ranking: then the error names those left out.
    """
    if isinstance(message, RankedProviders) and message.revision == 1:
        return message.model_dump(mode="json", exclude_none=True, exclude=_DROPPED)
    if isinstance(message, ErrorRecord) and message.discarded and message.revision == 1:
        row = message.model_dump(mode="json", include={"uuid", "timestamp", "discarded"})
        return row | {"ranked_providers": [], "explanation": message.message}
    return None
