"""Changes of customers as other systems listen to them: a page from a cursor on, at once or as soon as there is one.

A listener holds a cursor and nothing else. Who is near the end of the topic is served from the `Tail`, whoever is
further behind by the few readers of the `ChangeLog`. Both move the cursor past the changes of other tenants.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from services.changes.cursor import BEGINNING, NOW, ChangeCursor, read_cursor, write_cursor
from services.changes.errors import ChangesUnavailable, TooManyListeners, UnknownCursor
from services.changes.log import ChangeLog, ChangeTopic
from services.changes.pages import FeedPage, Wanted
from services.changes.tail import Tail
from services.runtime.caching import LookupCache
from services.runtime.cancelling import cancel_all

_MOST_LISTENERS: Final = 64  # of a tenant, in one process
_FRESH: Final = 2.0  # seconds for which a topic is believed to be the active generation's
_LOOK_UP_WITHIN: Final = 20.0  # seconds
_READ_WITHIN: Final = 60.0  # seconds, waiting for a reader included
_TAIL_BEHIND: Final = 0.5  # seconds until a tail that is behind a listener is asked again


class ChangeFeed:
    """The changes of all tenants; each is given its own.

    ``find_topic`` gives the name of the active generation's topic, ``key`` signs cursors.
    """

    def __init__(
        self,
        find_topic: Callable[[], Awaitable[str]],
        log: ChangeLog,
        key: bytes,
        *,
        most_listeners: int = _MOST_LISTENERS,
    ) -> None:
        self._find_topic, self._log, self._key = find_topic, log, key
        self._most_listeners = most_listeners
        # Every listener asks which topic it is, each time that it is woken; a topic is rarely followed by another one.
        self._topics: LookupCache[None, ChangeTopic] = LookupCache(
            lambda _: self._look_up(), fresh=_FRESH, stale_if_error=0, timeout=_LOOK_UP_WITHIN
        )
        self._listeners: Counter[str] = Counter()
        self._tail: Tail | None = None
        self._following: asyncio.Task[None] | None = None
        self.stopping = False

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Close in the end what listeners have had opened."""
        async with self._log.open():
            try:
                yield
            finally:
                self.stop()
                if self._following is not None:
                    await cancel_all(self._following)

    def stop(self) -> None:
        """Have every listener that waits go at once."""
        self.stopping = True
        if self._tail is not None:
            self._tail.wake_all()

    def check_room(self, tenant: str) -> None:
        """Raise TooManyListeners if there is no room for another listener."""
        if self._listeners[tenant] >= self._most_listeners:
            raise TooManyListeners(TooManyListeners.__doc__)

    @contextmanager
    def listening(self, tenant: str) -> Iterator[None]:
        """Count a listener. Raises TooManyListeners."""
        self.check_room(tenant)
        self._listeners[tenant] += 1
        try:
            yield
        finally:
            self._listeners[tenant] -= 1
            if not self._listeners[tenant]:
                del self._listeners[tenant]

    def text(self, tenant: str, cursor: ChangeCursor) -> str:
        """The cursor as the tenant gets it."""
        return write_cursor(self._key, tenant, cursor)

    async def begin(self, tenant: str, after: str) -> ChangeCursor:
        """The cursor of a text, or of the beginning or the end of the topic.

        Raises UnknownCursor and ChangesUnavailable.
        """
        if after not in {BEGINNING, NOW}:
            cursor = read_cursor(self._key, tenant, after)
            await self._checked(cursor)
            return cursor
        topic = await self._topic()
        first, following = await self._log.bounds(tenant, topic)
        return ChangeCursor(topic.topic_id, tuple(first if after == BEGINNING else following))

    async def begin_at(self, tenant: str, since: int) -> ChangeCursor:
        """The cursor of the first changes that came into the topic at this time, ms since 1970, or later.

        Raises ChangesUnavailable.
        """
        topic = await self._topic()
        return ChangeCursor(topic.topic_id, tuple(await self._log.offsets_at(tenant, topic, since)))

    async def next_page(
        self, cursor: ChangeCursor, wanted: Wanted, limit: int, wait: float
    ) -> tuple[FeedPage, ChangeCursor]:
        """The changes after the cursor, and the cursor after them; waits up to ``wait`` seconds for the first one.

        Raises UnknownCursor and ChangesUnavailable.
        """
        until = time.monotonic() + wait
        while True:
            topic = await self._checked(cursor)
            offsets = [*cursor.offsets, *(0 for _ in range(topic.partitions - len(cursor.offsets)))]
            tail = self._tail_of(topic)
            page = tail.page(offsets, wanted, limit)
            covered = page is not None
            if page is None:
                page = await self._read(topic, offsets, wanted, limit)
            left = until - time.monotonic()
            if not (page.changes or page.more or self.stopping) and left > 0:
                nothing_until = await tail.wait(wanted.tenant, left if covered else min(left, _TAIL_BEHIND))
                if covered and nothing_until is not None:
                    page.offsets = nothing_until
            cursor = ChangeCursor(topic.topic_id, tuple(page.offsets))
            if page.changes or page.more or self.stopping or time.monotonic() >= until:
                return page, cursor

    async def _checked(self, cursor: ChangeCursor) -> ChangeTopic:
        """The topic, which the cursor is of. Raises UnknownCursor."""
        topic = await self._topic()
        if cursor.topic_id != topic.topic_id or len(cursor.offsets) > topic.partitions:
            raise UnknownCursor(UnknownCursor.__doc__)
        return topic

    async def _topic(self) -> ChangeTopic:
        try:
            found = await self._topics.get(None)
        except TimeoutError as error:
            raise ChangesUnavailable(ChangesUnavailable.__doc__) from error
        if found is None:
            raise ChangesUnavailable(ChangesUnavailable.__doc__)
        return found

    async def _look_up(self) -> ChangeTopic:
        return await self._log.topic(await self._find_topic())

    async def _read(self, topic: ChangeTopic, offsets: list[int], wanted: Wanted, limit: int) -> FeedPage:
        try:
            async with asyncio.timeout(_READ_WITHIN):
                return await self._log.read(topic, offsets, wanted, limit)
        except TimeoutError as error:
            raise ChangesUnavailable(ChangesUnavailable.__doc__) from error

    def _tail_of(self, topic: ChangeTopic) -> Tail:
        """The tail of the topic; that of another one has no listeners any more."""
        if self._tail is None or self._tail.topic != topic:
            former, self._tail = self._tail, Tail(self._log.kafka, topic, sealing=self._log.sealing)
            if self._following is not None:
                self._following.cancel()
            self._following = asyncio.create_task(self._tail.run())
            if former is not None:
                former.wake_all()
        return self._tail
