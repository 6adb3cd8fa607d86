"""What people may do in the console, by the scopes of their session (pure)."""

from collections.abc import Collection
from typing import Final, Literal, get_args

ConsoleRole = Literal["viewer", "agent", "marketer", "admin", "operator"]
ROLES: Final[tuple[ConsoleRole, ...]] = get_args(ConsoleRole)

SCOPES_OF: Final[dict[ConsoleRole, tuple[str, ...]]] = {
    "viewer": ("customers:read",),
    "agent": ("customers:read", "customers:write"),
    "marketer": ("customers:read", "customers:write", "customers:export"),
    "admin": ("admin",),
    "operator": ("admin", "operator"),
}
_LOWER: Final[tuple[ConsoleRole, ...]] = ("marketer", "agent", "viewer")


def role_of(scopes: Collection[str]) -> ConsoleRole | None:
    """The highest role of which the scopes are enough; None without the right to read."""
    if "admin" in scopes:
        return "operator" if "operator" in scopes else "admin"
    fitting = (role for role in _LOWER if set(SCOPES_OF[role]) <= set(scopes))
    return next(fitting, None)
