"""How contacts became one customer, step by step (pure).

The steps follow from the links alone: each is what one more link joined, in the order of the first event behind each.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from services.console.core.identity_graph import GraphKey, ties_of, value_key
from services.console.core.names import Names, short
from services.query.core.identity_models import CustomerLinks, Tie

StepKind = Literal["known", "joined", "confirmed", "refused", "set_aside"]
MOST_NAMED = 3  # contacts in a sentence


@dataclass(frozen=True, slots=True)
class StoryStep:
    """What a link did at a time in ms: ``others`` are the contacts that its contact became one with."""

    at: int
    kind: StepKind
    tie: Tie
    number: int
    others: tuple[str, ...] = ()


class _Groups:
    """Contacts by what joins them so far."""

    def __init__(self) -> None:
        self._group: dict[GraphKey, GraphKey] = {}
        self._contacts: dict[GraphKey, set[str]] = defaultdict(set)

    def of(self, key: GraphKey) -> GraphKey:
        if key not in self._group:
            self._group[key] = key
            self._contacts[key] = {key[1]} if key[0] == "contact" else set()
        while self._group[key] != key:
            key = self._group[key]
        return key

    def join(self, contact: GraphKey, value: GraphKey) -> set[str] | None:
        """The contacts on the value's side, which join now; None if the two sides were one already."""
        one, other = self.of(contact), self.of(value)
        if one == other:
            return None
        joining = set(self._contacts[other])
        self._group[other] = one
        self._contacts[one] |= joining
        return joining


def story(links: CustomerLinks) -> list[StoryStep]:
    """The steps, the earliest first."""
    dated = [
        (min(event.first_at for event in tie.events), number, tie)
        for number, tie in enumerate(ties_of(links), start=1)
        if tie.events
    ]
    groups = _Groups()
    return [_step(at, number, tie, groups) for at, number, tie in sorted(dated, key=lambda one: one[:2])]


def _step(at: int, number: int, tie: Tie, groups: _Groups) -> StoryStep:
    if tie.status != "accepted":
        return StoryStep(at, "refused" if tie.status == "refused" else "set_aside", tie, number)
    joining = groups.join(("contact", tie.contact), value_key(tie))
    if joining is None:
        return StoryStep(at, "confirmed", tie, number)
    return StoryStep(at, "joined" if joining else "known", tie, number, tuple(sorted(joining)))


def sentence(step: StoryStep, names: Names, display_names: Mapping[str, str | None]) -> str:
    """The step in words, without its date. ``display_names`` are those of contacts, by their keys."""

    def contact(key: str) -> str:
        return names.contact(key, display_names.get(key))

    tie = step.tie
    between_contacts = value_key(tie)[0] == "contact"
    values = {
        "contact": contact(tie.contact),
        "what": names.identifier(tie.type),
        "value": contact(tie.value) if between_contacts else short(tie.value),
        "others": _listed([contact(one) for one in step.others], names),
        "reason": names.reason(tie.reason),
    }
    return _pattern(step, names, between_contacts=between_contacts) % values


def _pattern(step: StoryStep, names: Names, *, between_contacts: bool) -> str:
    say = names.say
    if step.kind == "joined":
        return _joined(step, names, between_contacts=between_contacts)
    if step.kind == "known":
        return say("%(contact)s has %(what)s %(value)s.")
    if step.kind == "confirmed":
        return say("%(contact)s has %(what)s %(value)s as well, which confirms what was known.")
    if step.tie.reason == "retracted":
        return say("%(contact)s: %(what)s %(value)s was taken back, and joins nothing.")
    return say("%(contact)s: %(what)s %(value)s joins nothing, since %(reason)s.")


def _joined(step: StoryStep, names: Names, *, between_contacts: bool) -> str:
    say = names.say
    if step.tie.type == "staff":
        return say("%(contact)s and %(others)s became one customer: staff decided that they are one person.")
    if between_contacts:
        return say("%(contact)s and %(others)s became one customer: they were linked with each other.")
    return say("%(contact)s and %(others)s became one customer: they have the same %(what)s, %(value)s.")


def _listed(texts: list[str], names: Names) -> str:
    shown = names.say(", ").join(texts[:MOST_NAMED])
    more = len(texts) - MOST_NAMED
    return shown if more <= 0 else names.say("%(shown)s and %(count)d more") % {"shown": shown, "count": more}
