"""The stories of the year, which `stories.toml` tells, and the engine that plays them."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict

from services.demo.cast import Cast, Role
from services.demo.dice import DAY, HOUR, MINUTE
from services.demo.people import Contact
from services.demo.year import CHANNEL_SOURCES, Happening, Year

_LATER: Final = -1
_UNITS: Final = {"s": 1000, "m": MINUTE, "h": HOUR, "d": DAY}
_MARKETING: Final = frozenset({"broadcast", "cart_remarketing"})
_SENT_WITH_NAME: Final = frozenset({"message.received", "message.edited", "bot.interacted"})  # by WhatsApp


def _milliseconds(text: str) -> int:
    return _LATER if text == "later" else int(text[:-1]) * _UNITS[text[-1]]


class When(BaseModel):
    """When a step happens, and to whom."""

    model_config = ConfigDict(extra="forbid")

    who: str = "customer"
    percent: float = 100
    after: Annotated[int, BeforeValidator(_milliseconds)] = 0
    on: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()


class Case(BaseModel):
    """On which channels the roles of a story are, whether all are members (None: whatever), and how often it is played.

    With no ``times``, as often as the size of the demo says.
    """

    model_config = ConfigDict(extra="forbid")

    customer: tuple[str, ...]
    other: tuple[str, ...] = ()
    members: bool | None = None
    times: int = 0

    @property
    def roles(self) -> dict[str, tuple[str, ...]]:
        """The channels of each role."""
        return {"customer": self.customer} | ({"other": self.other} if self.other else {})


@dataclass(frozen=True, slots=True)
class Step:
    """An event that may happen."""

    type: str
    source: str
    data: Any
    when: When


Story = tuple[tuple[Step, ...], ...]  # inside, what a sender reports together

_TOLD: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def _step(type_name: str, source: str, data: Any, when: Mapping[str, Any] | None = None) -> Step:
    return Step(type_name, source, data, When.model_validate(when or {}))


def _steps(told: list[Any]) -> Iterator[tuple[Step, ...]]:
    for one in told:
        if isinstance(one, str):
            yield from _steps(_TOLD["stories"][one])
        elif isinstance(one[0], list):
            yield tuple(_step(*part) for part in one)
        else:
            yield (_step(*one),)


STORIES: Final[Mapping[str, Story]] = {name: tuple(_steps(told)) for name, told in _TOLD["stories"].items()}
VISITS: Final[Mapping[str, Mapping[str, float]]] = _TOLD["visits"]  # by channel, stories with weights
REACTIONS: Final[Mapping[str, float]] = _TOLD["reactions"]
CASES: Final = {name: Case.model_validate(case) for name, case in _TOLD["cases"].items()}


def play(year: Year, name: str, at: int, later: int = 0, **given: Any) -> None:
    """Add the events of one play of the story, which begins at ``at``; its mistake is noticed at ``later``.

    ``given`` are the roles and values of its cast: at least ``customer``.
    """
    cast = Cast(year.dice, _TOLD["values"], began=at, **given)
    for together in STORIES[name]:
        steps = [step for step in together if _happens(step.when, cast)]
        if not steps:
            continue
        after = steps[0].when.after
        at = later if after == _LATER else year.dice.time_after(at, after) if after else at
        happenings = [happening for step in steps for happening in _happenings(step, cast)]
        if all(_is_allowed(year, happening, at) for happening in happenings):
            year.add(at, *happenings)


def _happens(when: When, cast: Cast) -> bool:
    role: Role | None = cast[when.who]
    return (
        role is not None
        and (not when.on or role.contact.channel in when.on)
        and all(cast[name] for name in when.needs)
        and cast.dice.chance(when.percent)
    )


def _happenings(step: Step, cast: Cast) -> Iterator[Happening]:
    role: Role = cast[step.when.who]
    source = CHANNEL_SOURCES[role.contact.channel] if step.source == "channel" else step.source
    data = cast.fill(step.data)
    if source == "site" and step.type == "identity.bound" and role.contact.channel == "web":
        yield from _login(role.contact, data)
        return
    yield Happening(role.contact, step.type, source, data)
    if source == "whatsapp" and step.type in _SENT_WITH_NAME:
        yield Happening(role.contact, "profile.updated", source, {"display_name": role.person.nickname})


def _login(browser: Contact, data: dict[str, Any]) -> Iterator[Happening]:
    """What a page's login says of the member, and of the browser: only who is logged in on it."""
    member = [one for one in data.get("identifiers", ()) if one["type"] == "member_id"]
    if member:
        own = replace(browser, uid=f"user:{member[0]['value']}")
        yield Happening(own, "identity.bound", "site", data)
        data = data | {"identifiers": member}
    yield Happening(browser, "identity.bound", "site", data)


def _is_allowed(year: Year, happening: Happening, at: int) -> bool:
    is_marketing = happening.data.get("purpose") in _MARKETING
    return not is_marketing or year.reaches(happening.contact, at, marketing=True)
