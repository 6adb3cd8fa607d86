"""What people may do in the console, by the scopes of their session (pure).

The same table gives a one-time link, and a person whom an OpenID provider names, the scopes of a role; a key's role is
the highest one that its scopes are enough for.
"""

from collections.abc import Collection
from typing import Final, Literal, get_args

from services.console.core.condition_forms import Say

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


def scope_name(scope: str, say: Say) -> str:
    """What a key with this scope may do."""
    names = {
        "events:write": say("send events, members and their merges"),
        "customers:read": say("ask everything about customers"),
        "customers:write": say("change customers, and decide about duplicates"),
        "customers:export": say("export customers, and download files"),
        "customers:erase": say("erase people for good"),
        "audit": say("read the audit trail"),
        "admin": say("everything of this brand"),
        "operator": say("read models and lag, of all brands together"),
    }
    return names.get(scope, scope)


def includes(role: ConsoleRole | None, needed: ConsoleRole) -> bool:
    """Whether a role may do what another one may."""
    return role is not None and ROLES.index(role) >= ROLES.index(needed)


def least_role(scope: str) -> ConsoleRole:
    """The least role that has a scope."""
    return next((role for role in ROLES if scope in SCOPES_OF[role]), "admin")
