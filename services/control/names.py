"""Which names the control plane accepts. Every function raises InvalidName."""

import math
from collections.abc import Collection
from typing import Final

from pydantic import TypeAdapter, ValidationError

from projections.migrations.tables import CHANNELS, SCOPES
from schemas.events.base import Account, TenantId, Word
from services.control.errors import InvalidName

_NAME: Final[TypeAdapter[str]] = TypeAdapter(TenantId)
_ACCOUNT: Final[TypeAdapter[str]] = TypeAdapter(Account)
_PROVIDER: Final[TypeAdapter[str]] = TypeAdapter(Word)
# Of the 46 characters of a key: enough to tell keys apart, and of no use for guessing the rest.
SHOWN: Final = 9
_REGION_LENGTH: Final = 2
_LEAST_RATE: Final = 0.001


def check_name(kind: str, name: str) -> None:
    """Check the name of a tenant or a source; ``kind`` begins the error's message."""
    if not is_name(name):
        raise InvalidName(
            f"{kind} name is 1 to 63 of a-z, 0-9, _ and -, and begins with a letter or digit; not {name!r}"
        )


def is_name(text: str) -> bool:
    """Whether the text can be the name of a tenant or a source."""
    return _fits(_NAME, text)


def check_region(region: str) -> None:
    """Check the region of phone numbers: an ISO 3166 code of two letters."""
    if not (len(region) == _REGION_LENGTH and region.isascii() and region.isalpha() and region.isupper()):
        raise InvalidName(f"a region is two capital letters, such as TW; not {region!r}")


def check_channel(channel: str) -> None:
    """Check a source's channel."""
    if channel not in CHANNELS:
        raise InvalidName(f"a channel is one of {', '.join(CHANNELS)}; not {channel!r}")


def check_account(account: str | None, provider: str | None) -> None:
    """Check a source's account and provider, each of which may be absent."""
    if account is not None and not _fits(_ACCOUNT, account):
        raise InvalidName(f"an account is 1 to 255 characters without ':' and '|'; not {account!r}")
    if provider is not None and not _fits(_PROVIDER, provider):
        raise InvalidName(f"a provider is 1 to 255 characters; not {provider!r}")


def check_limit(rate: float | None, burst: float | None) -> None:
    """Check a key's rate limit: tokens a second, and tokens of a full bucket."""
    if rate is None and burst is not None:
        raise InvalidName("a burst needs a rate")
    if not all(
        value is None or (math.isfinite(value) and value >= least) for value, least in ((rate, _LEAST_RATE), (burst, 1))
    ):
        raise InvalidName(f"a rate is {_LEAST_RATE} a second or more, and a burst 1 or more")


def checked_scopes(scopes: Collection[str]) -> list[str]:
    """The scopes of a key, each once and in the order in which they are declared."""
    if not scopes or not set(scopes) <= set(SCOPES):
        raise InvalidName(f"a key has at least one of the scopes {', '.join(SCOPES)}")
    return [scope for scope in SCOPES if scope in scopes]


def _fits(shape: TypeAdapter[str], value: str) -> bool:
    try:
        shape.validate_python(value)
    except ValidationError:
        return False
    return "\x00" not in value
