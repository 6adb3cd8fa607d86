"""Leaves out what a website's messages repeat all day: who the member is, and who is logged in on the browser.

A member's daily statement has one id a day, so one that is sent again is absorbed as a duplicate. A browser's login has
the id of its message: where another member was logged in in between, the browser is with the first one again. Each
process remembers for itself. So what another process sent comes once more, and changes nothing; and of what was left
out, `LoginChecks` asks the read models whether another process sent another member's login in between.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, Generic, TypeVar

from schemas.events import Event
from services.ingress.core.browser_logins import BrowserLogin, BrowserLogins, event_of, login_of
from services.ingress.core.web import DAILY_PREFIX, LOGIN_PREFIXES, SEEN_PREFIX

_MOST: Final = 65_536
_Key = tuple[str, str]  # a tenant, and an id or a contact key in it
_Value = TypeVar("_Value")


class _Recent(Generic[_Value]):
    """The last so many entries by key."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: OrderedDict[_Key, _Value] = OrderedDict()

    def __contains__(self, key: _Key) -> bool:
        return key in self._entries

    def get(self, key: _Key) -> _Value | None:
        return self._entries.get(key)

    def drop(self, key: _Key) -> None:
        self._entries.pop(key, None)

    def take(self) -> list[_Value]:
        taken, self._entries = list(self._entries.values()), OrderedDict()
        return taken

    def put(self, key: _Key, value: _Value) -> None:
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self._most:
            self._entries.popitem(last=False)


class DailyDedup:
    """What was sent: daily statements by tenant and id, logins by tenant and browser, and members.

    A login counts as sent while its request waits for Kafka, since SDKs send several messages at a time. If it fails,
    `forget` it: its sender will send it again.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._daily: _Recent[None] = _Recent(most)
        self._members: _Recent[None] = _Recent(most)
        self._browsers: _Recent[BrowserLogins] = _Recent(most)
        self._left_out: _Recent[Event] = _Recent(most)

    def new_events(self, events: Iterable[Event]) -> list[Event]:
        """The events without repeats of daily statements and logins."""
        daily: set[_Key] = set()
        new: list[Event] = []
        for event in events:
            name = (event.tenant, event.event_id)
            if event.event_id.startswith(DAILY_PREFIX):
                if name not in daily and name not in self._daily:
                    daily.add(name)
                    new.append(event)
            elif event.event_id.startswith(LOGIN_PREFIXES) and (login := login_of(event)):
                new.extend(self._new_logins(event, login))
            else:
                new.append(event)
        return new

    def remember(self, new: Iterable[Event]) -> None:
        """Remember the new events; they are acknowledged."""
        for event in new:
            if event.event_id.startswith(DAILY_PREFIX):
                self._daily.put((event.tenant, event.event_id), None)
            if login := login_of(event):
                self._members.put((event.tenant, login.member_id), None)

    def forget(self, new: Iterable[Event]) -> None:
        """Forget the browsers of which the new events state logins; they were not acknowledged."""
        for event in new:
            if event.event_id.startswith(LOGIN_PREFIXES):
                self._browsers.drop(_browser_of(event))

    def take_left_out(self) -> list[Event]:
        """The latest login that was left out of each browser, since they were last taken."""
        return self._left_out.take()

    def recent_members(self, tenant: str, ids: Iterable[str]) -> list[str]:
        """Those of the ids as which somebody logged in of late."""
        return [one for one in ids if (tenant, one) in self._members]

    def _new_logins(self, event: Event, login: BrowserLogin) -> list[Event]:
        browser = _browser_of(event)
        logins = self._browsers.get(browser) or BrowserLogins()
        self._browsers.put(browser, logins)
        if event.event_id.startswith(SEEN_PREFIX) and logins.covers(login):
            logins.add(login._replace(sent=False))
            before = self._left_out.get(browser)
            self._left_out.put(browser, event if before is None else max(before, event, key=lambda one: one.stamp))
            return []
        uncovered = logins.uncovered_by(login)
        logins.add(login)
        if uncovered is None:
            return [event]
        logins.add(uncovered._replace(sent=True))
        return [event, event_of(uncovered, event)]


def _browser_of(event: Event) -> _Key:
    return event.tenant, event.contact.key if event.contact else ""
