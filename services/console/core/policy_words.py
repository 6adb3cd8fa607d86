"""A policy and what it changes, in words for one reader (pure)."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from services.console.core.condition_forms import Say
from services.console.core.names import Names, short
from services.console.core.policy_forms import LIMITS, LISTS, NEW_TYPE, NUMBERS, TIERS, TYPES
from services.query.core.policy_models import PolicyChange

_MOST_PATTERNS: Final = 5  # of a block list that a sentence names
_EVERY_TIER: Final = 0
_WEAKEST: Final = 9


class PolicyWords:
    """What pages call the parts of a policy."""

    def __init__(self, say: Say) -> None:
        self.say = say
        self._names = Names(say)
        self._columns = {
            "verified": say("Tier if proven"),
            "stated": say("Tier if the brand says so"),
            "claimed": say("Tier if only claimed"),
            "limit": say("Most people"),
            "claimed_limit": say("Most people by claim"),
            "exclusive": say("One per person"),
            "guards": say("Stops links"),
        }
        self._parts = {
            "default_region": say("Region of phone numbers"),
            "phones": say("Which phone numbers count"),
            "shared_device_limit": say("Most member IDs or accounts of one contact"),
            "blocked": say("Block list of all types"),
            "blocked_member_ids": say("Block list of member IDs"),
        }
        tier, count = say("Choose a tier from 1 to 9, or no link."), say("Enter a whole number from 1 to 1,000,000.")
        pattern = say("A line is no regular expression of RE2, or the list is too long.")
        scope = say("This type can't be exclusive in this way. Choose another one.")
        self._needed = {
            **dict.fromkeys(TIERS, tier),
            **dict.fromkeys((*LIMITS, *NUMBERS), count),
            **dict.fromkeys(LISTS, pattern),
            **dict.fromkeys(("exclusive", "guards"), scope),
            "default_region": say("Choose a region of the list."),
            NEW_TYPE: say("A name begins with a small letter and has small letters, digits and _, such as x_card."),
        }

    def type(self, name: str) -> str:
        """An identifier type, as a heading."""
        text = self._names.identifier(name)
        return text if text == name else text[:1].upper() + text[1:]

    def column(self, part: str) -> str:
        """A part of a type's rule."""
        return self._columns[part]

    def part(self, name: str) -> str:
        """A part of a policy, by its name or by the field of a form."""
        if not name.startswith(f"{TYPES}."):
            return self._parts.get(name, name)
        _, type_name, *parts = name.split(".")
        if not parts:
            return self.type(type_name)
        column = self._columns.get(parts[0], parts[0])
        return self.say("%(type)s, %(part)s") % {"type": self.type(type_name), "part": column}

    def helps(self) -> dict[str, str]:
        """What each part of a rule does, and its bounds."""
        say = self.say
        return {
            "verified": say(
                "How strong the link is if there is a proof: the channel, a one-time code, a signed sign-in. "
                "Tier 1 is the strongest, 9 the weakest."
            ),
            "stated": say("The same if the brand's own systems say so: CRM, import, a server with a secret key."),
            "claimed": say(
                "The same if anybody may have typed it: a form, a website with a public key. Keep it the weakest."
            ),
            "limit": say("A value that more people than this have joins nobody. From 1 to 1,000,000."),
            "claimed_limit": say(
                "The same among people who only claim the value; the smaller limit counts. From 1 to 1,000,000."
            ),
            "exclusive": say(
                "A person has only one such value, so two different ones tell people apart: in the whole brand, or "
                "within what stands before the colon, such as a LINE provider."
            ),
            "guards": say(
                "Which links two different values stop, if a person has only one. Stronger links still join."
            ),
        }

    def problem(self, field: str) -> str:
        """What a field must hold, for one that holds something else."""
        part = field.rpartition(".")[2]
        return self._needed.get(part) or self.say("This can't be part of a policy.")

    def tiers(self) -> list[tuple[str, str]]:
        """The choices of a tier."""
        return [("", self.say("no link")), *((str(one), self._tier(one)) for one in range(1, _WEAKEST + 1))]

    def scopes(self) -> list[tuple[str, str]]:
        """The choices of where a type is exclusive."""
        return [
            ("", self.say("no")),
            ("tenant", self.say("in the whole brand")),
            ("prefix", self.say("before the colon")),
        ]

    def guards(self) -> list[tuple[str, str]]:
        """The choices of which links an exclusive type stops."""
        return [(str(one), self._guarded(one)) for one in range(_WEAKEST + 1)]

    def phones(self) -> list[tuple[str, str]]:
        """The choices of which phone numbers count."""
        return [("valid", self.say("valid numbers")), ("possible", self.say("also numbers of the right length"))]

    def changes(self, changes: Iterable[PolicyChange]) -> list[str]:
        """A sentence for each change."""
        return [self.change(one) for one in changes]

    def change(self, change: PolicyChange) -> str:
        """A change as a sentence."""
        if change.part in LISTS:
            return self._of_list(change)
        values = {
            "part": self.part(change.part),
            "before": self._value(change.part, change.before),
            "after": self._value(change.part, change.after),
        }
        return self.say("%(part)s: from “%(before)s” to “%(after)s”") % values

    def _of_list(self, change: PolicyChange) -> str:
        removed, added = (one if isinstance(one, list) else [] for one in (change.before, change.after))
        pairs = ((self.say("added %(values)s"), added), (self.say("removed %(values)s"), removed))
        sentences = [pattern % {"values": self._listed(values)} for pattern, values in pairs if values]
        return self.say("%(part)s: %(changes)s") % {
            "part": self.part(change.part),
            "changes": self.say("; ").join(sentences) or self.say("another order"),
        }

    def _listed(self, values: list[str]) -> str:
        shown = self.say(", ").join(short(one) for one in values[:_MOST_PATTERNS])
        more = len(values) - _MOST_PATTERNS
        return shown if more <= 0 else self.say("%(shown)s and %(count)d more") % {"shown": shown, "count": more}

    def _value(self, field: str, value: Any) -> str:
        part = field.rpartition(".")[2]
        if part == "exclusive":
            return self._exclusive(value)
        if isinstance(value, Mapping):
            return self._rule(value)
        if part in TIERS:
            return self.say("no link") if value is None else self._tier(value)
        if part == "phones":
            return dict(self.phones()).get(str(value), str(value))
        return self.say("no identifier") if value is None else str(value)

    def _rule(self, rule: Mapping[str, Any]) -> str:
        tiers = [f"{self.column(one)} {self._value(one, rule[one])}" for one in TIERS]
        limits = [f"{self.column(one)} {rule[one]}" for one in LIMITS]
        return self.say(", ").join(
            [*tiers, *limits, f"{self.column('exclusive')} {self._exclusive(rule['exclusive'])}"]
        )

    def _exclusive(self, value: Any) -> str:
        if value is None:
            return self.say("no")
        return f"{dict(self.scopes())[value['scope']]}, {self._guarded(value['guards'])}"

    def _tier(self, tier: int) -> str:
        return self.say("tier %(number)d") % {"number": tier}

    def _guarded(self, tier: int) -> str:
        if tier == _EVERY_TIER:
            return self.say("of every tier")
        return self.say("of tier %(number)d and weaker") % {"number": tier}
