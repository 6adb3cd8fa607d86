"""Blocking keys: two customers are compared only if they share a key that not too many have. Pure.

Comparing every two of 100,000 customers would be five billion comparisons. Each kind of key is made so that customers
who share two signs share a key, also where a name or a number has a typing error:

- each identifier, since customers that share one are not one only where a link was refused;
- an e-mail's local part;
- a name's initials with a birthday, with the numbers of an address, and with either part of a phone number: where one
  digit differs, the other part is the same.

A key is 64 bits of a hash, so the stored keys hold nobody's name or number.
"""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Final

from projections.candidates.profiles import ALIAS, ComparedProfile

MOST_HOLDERS: Final = 50  # a key that more customers have is no sign, and pairs grow by its square
MOST_KEYS: Final = 200  # of a customer
LEAST_LOCAL_PART: Final = 4  # characters
_LAST_DIGITS: Final = 4
_ROLES: Final = frozenset(
    {"admin", "contact", "hello", "help", "info", "mail", "marketing", "noreply", "office", "order", "orders", "sales"}
    | {"service", "shop", "support", "test", "user"}
)


def keys_of(profile: ComparedProfile) -> frozenset[int]:
    """The customer's blocking keys, at most ``MOST_KEYS`` of them."""
    return frozenset(sorted({_hashed(*parts) for parts in _parts(profile)})[:MOST_KEYS])


def local_parts(profile: ComparedProfile) -> frozenset[str]:
    """The local parts of the e-mail addresses that say something of a person."""
    found = (value.partition("@")[0].partition("+")[0] for value in profile.values("email"))
    return frozenset(one for one in found if len(one) >= LEAST_LOCAL_PART and one not in _ROLES)


def _parts(profile: ComparedProfile) -> Iterator[tuple[str, ...]]:
    for type_name, value in profile.identifiers:
        yield ("identifier", "member_id" if type_name == ALIAS else type_name, value)
    for local in local_parts(profile):
        yield ("local", local)
    for initials in sorted({_initials(name) for name in profile.names}):
        for birthday in profile.birthdays:
            yield ("birthday", initials, birthday)
        for address in profile.addresses:
            yield ("address", initials, _numbers(address))
        for phone in profile.values("phone"):
            yield ("phone's beginning", initials, phone[:-_LAST_DIGITS])
            yield ("phone's end", initials, phone[-_LAST_DIGITS:])


def _initials(name: str) -> str:
    return "".join(sorted(word[0] for word in name.split()))


def _numbers(address: str) -> str:
    """The numbers of an address, which are spelled in one way; the address itself if it has none."""
    return " ".join(one for one in address.split() if any(map(str.isdigit, one))) or address


def _hashed(*parts: str) -> int:
    text = "\0".join(parts).encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big", signed=True)
