"""The hash that proves a login: the hex HMAC-SHA256 of the user id with one of the source's login secrets.

It stands beside the user id under Onefold's own name, or under those that sites know from Intercom and Chatwoot, whose
hash is made in the same way. It is proof for whoever reads it, so it is kept nowhere.
"""

import hmac
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from services.ingress.core.normalize import Fields

_OWN: Final = "identityhash"
_NAMES: Final = frozenset({_OWN, "userhash", "identifierhash"})
_ENDINGS: Final = frozenset({"hash", "Hash", "HASH"})


class LoginHashes(NamedTuple):
    """The hashes beside a user id, in lower case; one that is no text is "".

    ``own`` are those under Onefold's name. ``borrowed`` are those under other products' names, which may be made with
    these products' secrets.
    """

    own: tuple[str, ...]
    borrowed: tuple[str, ...]


def hashes_beside(fields: Fields, context: Fields) -> LoginHashes:
    """Every hash beside the message's user id."""
    found = [
        (_plain(name), value.strip().lower() if isinstance(value, str) else "")
        for place in _places(fields, context)
        for name, value in place.items()
        if _is_hash(name) and value not in (None, "")
    ]
    own = tuple(value for name, value in found if name == _OWN)
    return LoginHashes(own, tuple(value for name, value in found if name != _OWN))


def without_hashes(fields: Fields, context: Fields) -> tuple[Fields, Fields]:
    """The message and its context without the hashes."""
    bare = _stripped(fields)
    if isinstance(traits := bare.get("traits"), dict):
        bare["traits"] = _stripped(traits)
    inner = {name: _stripped(value) if isinstance(value, dict) else value for name, value in context.items()}
    return bare, _stripped(inner)


def is_signed(written: Iterable[str], hashes: Sequence[str], secrets: Sequence[str]) -> bool:
    """Whether any of the hashes is one of the user id, in any of the ways in which it may have been written."""
    expected = [hmac.digest(secret.encode(), one.encode(), sha256).hex() for secret in secrets for one in written]
    found = [hmac.compare_digest(one.encode(), given.encode()) for one in expected for given in hashes]
    return any(found)


def _places(fields: Fields, context: Fields) -> Iterator[Fields]:
    """Where a hash may stand: the message, its traits, its context, and what these have for other services."""
    yield fields
    yield context
    services = fields.get("integrations")
    inner = [fields.get("traits"), *context.values(), *(services.values() if isinstance(services, dict) else ())]
    yield from (place for place in inner if isinstance(place, dict))


def _stripped(place: Fields) -> Fields:
    return {name: value for name, value in place.items() if not _is_hash(name)}


def _is_hash(name: str) -> bool:
    return name[-4:] in _ENDINGS and _plain(name) in _NAMES


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
