"""What is compared of a customer: names, birthdays, addresses, and identifiers with what became of their links. Pure.

Values are in a form in which the same thing written differently is equal. Of each kind the first ``MOST_VALUES`` in
order of text are compared, so that no customer costs more than that.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

MOST_VALUES: Final = 10

# Which attributes say what. A first and a last name of one contact are one name.
NAME_ATTRIBUTES: Final = frozenset({"name", "full_name", "fullName", "姓名"})
FIRST_NAME_ATTRIBUTES: Final = frozenset({"first_name", "firstName"})
LAST_NAME_ATTRIBUTES: Final = frozenset({"last_name", "lastName"})
BIRTHDAY_ATTRIBUTES: Final = frozenset({"birthday", "birthdate", "birth_date", "date_of_birth", "生日"})
ADDRESS_ATTRIBUTES: Final = frozenset({"address", "address_street", "shipping_address", "地址"})
ATTRIBUTES: Final = (
    NAME_ATTRIBUTES | FIRST_NAME_ATTRIBUTES | LAST_NAME_ATTRIBUTES | BIRTHDAY_ATTRIBUTES | ADDRESS_ATTRIBUTES
)

_WORD: Final = re.compile(r"\w+")
_DATE: Final = re.compile(r"(\d{4})[-/.]?(\d{1,2})[-/.]?(\d{1,2})(?!\d)")

ALIAS: Final = "alias"  # the type of a member id that a website's alias names: of another member, maybe
ComparedIdentifier = tuple[str, str]  # (type, value); the value of a `contact` is its node, as text


class Hold(NamedTuple):
    """How a customer has an identifier: the strongest tier, and why links to it were refused, if any were."""

    tier: int
    reasons: frozenset[str] = frozenset()

    def and_also(self, other: "Hold") -> "Hold":
        """Both in one."""
        return Hold(min(self.tier, other.tier), self.reasons | other.reasons)


class ComparedProfile(NamedTuple):
    """A customer as it is compared; ``written`` are the names as they were written, to be shown."""

    names: tuple[str, ...] = ()
    birthdays: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    identifiers: Mapping[ComparedIdentifier, Hold] = {}
    written: tuple[str, ...] = ()

    def values(self, type_name: str) -> list[str]:
        """The first values of a type of identifier."""
        return sorted(value for name, value in self.identifiers if name == type_name)[:MOST_VALUES]


def profile(
    names: Iterable[str] = (),
    birthdays: Iterable[str] = (),
    addresses: Iterable[str] = (),
    identifiers: Mapping[ComparedIdentifier, Hold] | None = None,
) -> ComparedProfile:
    """A profile of values as they were written."""
    written = set(names)
    return ComparedProfile(
        names=_first(map(name_form, written)),
        birthdays=_first(map(birthday_form, birthdays)),
        addresses=_first(map(address_form, addresses)),
        identifiers=identifiers or {},
        written=_first(written),
    )


def name_form(text: str) -> str:
    """A name's words without case, in order of text, since either of two may come first."""
    return " ".join(sorted(_words(text)))


def address_form(text: str) -> str:
    """An address's words without case, in their order."""
    return " ".join(_words(text))


def birthday_form(text: str) -> str:
    """A date as YYYY-MM-DD; empty for what begins with none."""
    found = _DATE.match(unicodedata.normalize("NFKC", text).strip())
    return f"{found[1]}-{int(found[2]):02}-{int(found[3]):02}" if found else ""


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def _first(forms: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({form for form in forms if form})[:MOST_VALUES])
