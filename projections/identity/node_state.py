"""What statuses make of a node's links (pure)."""

from collections.abc import Collection, Iterable

from projections.identity.resolution.links import STAFF, Link, RefusedLink
from projections.identity.resolution.policy import X_RULE, Policy
from projections.identity.state import IdentifierStatuses


def apply_statuses(links: Iterable[Link], statuses: IdentifierStatuses) -> tuple[list[Link], list[RefusedLink]]:
    """The links that statuses leave, and those that they refuse; links to identifiers without a status are neither.

    An identifier that nothing is known of has the status ``PLAIN``.
    """
    left: list[Link] = []
    refused: list[RefusedLink] = []
    for link in links:
        status = statuses.get(link.identifier)
        if status is None:
            continue
        if link.tier in status.generic:
            refused.append(RefusedLink(link, "generic"))
        elif (detail := status.distinguished_by(link.tier)) is not None:
            refused.append(RefusedLink(link, "shared", detail))
        else:
            left.append(link)
    return left, refused


def claims_only(links: Collection[Link], policy: Policy) -> bool | None:
    """Whether every one of a node's accepted links is a claim's; None where there is none.

    What such a node says never overrides what others of its customer say.
    """
    if not links:
        return None
    return all(link.type != STAFF and (policy.rule(link.type) or X_RULE).is_claim(link.tier) for link in links)
