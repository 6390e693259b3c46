"""Fetch sessions (KIP-227): a fetch names the partitions whose place has changed, and no others.

The client names every partition in every fetch, and the broker answers for every one. With a hundred
partitions that is milliseconds of Python at either end of a fetch, a hundred times a second: a quarter
of a core. In a session the broker remembers what was asked for, and answers for what has news.

1. the first fetch names all, with epoch 0; the broker answers with the session's id;
2. each following one has the next epoch, names what changed, and what is no longer wanted;
3. after a fetch of unknown result, or one that the broker refuses, the next is a first one again.
"""

from dataclasses import dataclass, field
from typing import Any

from aiokafka.protocol.fetch import FetchRequest

_SINCE_VERSION = 7  # of the fetch request
_LAST_EPOCH = 2**31 - 1

Place = tuple[str, int]  # topic, partition


@dataclass
class Session:
    """What one broker remembers of this consumer."""

    id: int = 0
    epoch: int = 0  # of the next fetch; 0: a first one
    known: dict[Place, int] = field(default_factory=dict)  # offsets

    def answered(self, response: Any, asked: dict[Place, int]) -> None:
        """The broker has answered to a fetch that asked for these offsets."""
        if response.API_VERSION < _SINCE_VERSION or response.error_code:
            self.begin_anew()
            return
        self.id = response.session_id
        if self.id:  # else the broker has no room for another session
            self.known = asked
            self.epoch = self.epoch % _LAST_EPOCH + 1

    def begin_anew(self) -> None:
        """The next fetch names all; it also ends the session that was."""
        self.epoch = 0
        self.known = {}


class SessionFetch(FetchRequest):
    """A fetch of the client, as its session wants it."""

    def __init__(self, whole: FetchRequest, session: Session) -> None:
        super().__init__(
            whole._max_wait_ms,
            whole._min_bytes,
            whole._max_bytes,
            whole._isolation_level,
            whole.topics,
            rack_id=whole._rack_id,
        )
        self._session = session
        self._topics: list[tuple[str, list[tuple[int, int, int]]]] = whole.topics
        self.asked = {
            (topic, partition): offset
            for topic, partitions in whole.topics
            for partition, offset, _ in partitions
        }

    def build(self, request_struct_class: Any) -> Any:
        """The request that goes to the broker."""
        if request_struct_class.API_VERSION < _SINCE_VERSION:
            return super().build(request_struct_class)
        session, whole = self._session, self._topics
        self._topics = self._changed()
        built = super().build(request_struct_class)
        self._topics = whole
        built.session_id, built.session_epoch = session.id, session.epoch
        built.forgotten_topics_data = self._forgotten()
        return built

    def _changed(self) -> list[tuple[str, list[tuple[int, int, int]]]]:
        known = self._session.known
        named = [
            (topic, [one for one in partitions if known.get((topic, one[0])) != one[1]])
            for topic, partitions in self._topics
        ]
        return [(topic, partitions) for topic, partitions in named if partitions]

    def _forgotten(self) -> list[tuple[str, list[int]]]:
        forgotten: dict[str, list[int]] = {}
        for topic, partition in self._session.known.keys() - self.asked.keys():
            forgotten.setdefault(topic, []).append(partition)
        return list(forgotten.items())


class SessionClient:
    """The client of a fetcher, with a session for each broker. One fetch per broker at a time."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._sessions: dict[int, Session] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def send(self, node_id: int, request: Any, **options: Any) -> Any:
        """As the client's."""
        if not isinstance(request, FetchRequest):
            return await self._client.send(node_id, request, **options)
        session = self._sessions.setdefault(node_id, Session())
        fetch = SessionFetch(request, session)
        try:
            response = await self._client.send(node_id, fetch, **options)
        except BaseException:  # a cancelled one included: the broker may have seen it or not
            session.begin_anew()
            raise
        session.answered(response, fetch.asked)
        return response
