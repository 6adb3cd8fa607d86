"""Which of a browser's logins have to be sent, so that it is at all times with the member that used it last.

A login is left out where the one before it, by time, is the same member's of the same day. It is remembered all the
same: where another member's message from in between comes late, it has to be sent after all.
"""

from bisect import bisect_right
from typing import Final, NamedTuple

from schemas.events import Event
from schemas.events.identity import Binding

_MOST: Final = 16  # of a browser
_DAY_MS: Final = 86_400_000
_STRENGTH: Final = {"claimed": 0, None: 1, "stated": 1, "verified": 2}


class BrowserLogin(NamedTuple):
    """A login on a browser, with the id of its event; ``sent`` is whether the event was."""

    at: int
    member_id: str
    strength: int
    event_id: str
    sent: bool = True

    def covers(self, later: "BrowserLogin") -> bool:
        """Whether a later login says nothing new after this one."""
        same = self.member_id == later.member_id and self.strength >= later.strength
        return same and self.at // _DAY_MS == later.at // _DAY_MS


class BrowserLogins:
    """The latest logins on one browser, by time."""

    def __init__(self) -> None:
        self._logins: list[BrowserLogin] = []

    def covers(self, login: BrowserLogin) -> bool:
        """Whether the login says nothing new."""
        place = self._place(login)
        return place > 0 and self._logins[place - 1].covers(login)

    def uncovered_by(self, login: BrowserLogin) -> BrowserLogin | None:
        """The login that was left out and has to be sent once this one comes before it."""
        following = self._logins[self._place(login) :][:1]
        return next((one for one in following if not one.sent and not login.covers(one)), None)

    def add(self, login: BrowserLogin) -> None:
        """Remember the login. Of several in a row that were left out, the latest is."""
        self._logins = [one for one in self._logins if one.event_id != login.event_id]
        place = self._place(login)
        row = self._logins[max(place - 1, 0) : place]
        replaced = [one for one in row if not one.sent and not login.sent and one.covers(login)]
        self._logins[place - len(replaced) : place] = [login]
        del self._logins[:-_MOST]

    def _place(self, login: BrowserLogin) -> int:
        return bisect_right(self._logins, login.at, key=lambda one: one.at)


def login_of(event: Event) -> BrowserLogin | None:
    """The login that an event states, if it does."""
    identifiers = event.data.identifiers if isinstance(event.data, Binding) else []
    member = next((one for one in identifiers if one.type == "member_id"), None)
    if member is None:
        return None
    return BrowserLogin(event.occurred_at, member.value, _STRENGTH[member.assurance], event.event_id)


def event_of(login: BrowserLogin, like: Event) -> Event:
    """The event of a login that was left out, on the browser of another one."""
    assurance = next(name for name, strength in _STRENGTH.items() if name and strength == login.strength)
    identifier = {"type": "member_id", "value": login.member_id, "assurance": assurance}
    data = Binding.model_validate({"identifiers": [identifier], "via": "login"})
    return like.model_copy(update={"event_id": login.event_id, "occurred_at": login.at, "data": data})
