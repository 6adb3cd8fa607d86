"""What can be asked of a customer, as terms: kinds and values, each pair with an id for the index (pure).

A term's id contains its tenant, so one index serves all tenants and no search meets another's customers. Names are
found by the ids of their characters and pairs of characters, so that one Chinese character is enough to search by.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import islice
from math import frexp
from typing import Final, NamedTuple

LONGEST: Final = 200  # characters of a value that tell it from others here; a reader compares the whole value
MOST_NAMES: Final = 100  # of one customer, by which it is found
_HASHES: Final = 256  # of the texts of one attribute: free texts do not make a term each
_POWERS: Final = (-20, 64)  # of two: numbers beyond are with those at the bounds
_MOST_GRAMS: Final = 400  # of one customer; one with more is looked at in every search by name


class Term(NamedTuple):
    """A fact about a customer: its kind, and which one."""

    kind: str
    value: str


CHANNEL: Final = "channel"  # line
ACCOUNT: Final = "account"  # line:oa1
SUBSCRIBED: Final = "subscribed"  # line:oa1, of contacts that are subscribed
BLOCKED: Final = "blocked"  # line:oa1
VALID: Final = "valid"  # line:oa1, of contacts that are valid
TAG: Final = "tag"
ATTRIBUTE: Final = "attribute"  # a key that has a value
BOUND: Final = "bound"  # site_button: how a site's visitor was bound to a social contact
STAFF: Final = "staff"
BRANCH: Final = "branch"
OPTED_OUT: Final = "opted_out"  # broadcast
NOTIFIED: Final = "notified"  # a topic of recurring notifications
VALUE: Final = "value"  # size#17: the texts and flags of an attribute that share a hash
NUMBER: Final = "number"  # points#12: the numbers of an attribute that share a sign and a power of two
HAS: Final = "has"  # member_id, phone, email, name, conflicts
EVERYBODY: Final = Term(HAS, "contacts")  # each customer has one


def cut(value: str) -> str:
    """The part of a value by which its term is made."""
    return value[:LONGEST]


def value_term(key: str, value: bool | float | str) -> Term:  # noqa: FBT001 - an attribute may be a flag
    """The term of an attribute's value; different values may share one."""
    if isinstance(value, bool | str):
        digest = blake2b(f"{type(value).__name__}{value}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return Term(VALUE, f"{key}#{int.from_bytes(digest, 'big') % _HASHES}")
    return _number_term(key, _magnitude(value))


def number_terms(key: str, low: float | None, high: float | None) -> list[Term]:
    """The terms of all numbers from ``low`` to ``high``, both included; None for no bound."""
    most = _POWERS[1] - _POWERS[0] + 1
    first = -most if low is None else _magnitude(low)
    last = most if high is None else _magnitude(high)
    return [_number_term(key, magnitude) for magnitude in range(first, last + 1)]


def _number_term(key: str, magnitude: int) -> Term:
    return Term(NUMBER, f"{key}#{magnitude}")


def _magnitude(number: float) -> int:
    """The sign and the power of two of a number, as an integer: of a greater number it is not less."""
    least, most = _POWERS
    _, power = frexp(number)
    size = min(max(power, least), most) - least + 1
    return 0 if number == 0 else size if number > 0 else -size


@lru_cache(maxsize=65_536)
def term_id(tenant: str, term: Term) -> int:
    """The term's id: 63 bits of a hash of tenant, kind and value."""
    digest = blake2b("\0".join((tenant, *term)).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def ids_of(tenant: str, terms: Iterable[Term]) -> tuple[int, ...]:
    """The ids of terms, each once, sorted."""
    return tuple(sorted({term_id(tenant, term) for term in terms}))


def folded(text: str) -> str:
    """Text as names are compared: compatibility forms and case do not matter, nor does white space around words."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def searched_names(names: Iterable[str]) -> tuple[str, ...]:
    """The names, the latest first, by which a customer is found: of very many the first, of long ones the beginning."""
    return tuple(dict.fromkeys(searched_name(name) for name in islice(names, MOST_NAMES)))


def searched_name(name: str) -> str:
    """A name as searches compare it."""
    return cut(folded(name))


def grams_of(tenant: str, names: Iterable[str]) -> tuple[int, ...]:
    """The ids of every character and every two neighbours in searched names, sorted; `many_grams` for many."""
    found = {gram for name in names for gram in grams_in(name)}
    if len(found) > _MOST_GRAMS:
        return (many_grams(tenant),)
    return tuple(sorted(term_id(tenant, Term("gram", gram)) for gram in found))


def many_grams(tenant: str) -> int:
    """The id in place of a customer's grams that are too many to be kept."""
    return term_id(tenant, Term("grams", "many"))


def grams_in(text: str) -> list[str]:
    """Every character and every two neighbours; of a text that was folded already."""
    return [*text, *(text[at : at + 2] for at in range(len(text) - 1))]


def grams_to_find(tenant: str, wanted: str) -> Sequence[int]:
    """The ids that a name must have to contain the text: pairs where there are any, else its one character."""
    text = folded(wanted)
    pairs = [text[at : at + 2] for at in range(len(text) - 1)] or list(text)
    return tuple(sorted({term_id(tenant, Term("gram", gram)) for gram in pairs}))
