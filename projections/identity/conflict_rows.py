"""Refused links as rows, with the time at which each conflict arose."""

from collections.abc import Iterable, Iterator, Mapping
from uuid import UUID

import orjson

from projections.identity.resolution.contact_links import normalised
from projections.identity.resolution.links import Link, NormalisedIdentifier, RefusedLink
from projections.identity.resolution.resolution import Resolution
from projections.identity.resolution.values import scope_of
from projections.identity.tables import ConflictRow


def conflict_rows(
    place: tuple[str, str], ids: Mapping[str, UUID], resolution: Resolution, links: Iterable[Link]
) -> Iterator[ConflictRow]:
    """A row for each refused link. ``links`` are all that *generic value* left; ``ids`` are by contact key."""
    if not resolution.refused:
        return
    first = _first_stated(links)
    for one in resolution.refused:
        yield conflict_row(place, ids[one.link.contact], one, _arose_at(one, resolution, first))


def conflict_row(place: tuple[str, str], contact_id: UUID, refused: RefusedLink, at: int) -> ConflictRow:
    """The refused link as a row of a (tenant, resolution)."""
    link, detail = refused.link, orjson.dumps(refused.detail).decode() if refused.detail else "[]"
    identifier = (link.type, link.value)
    return ConflictRow(*place, contact_id, *identifier, link.contact, link.tier, refused.reason, detail, at)


def _first_stated(links: Iterable[Link]) -> dict[NormalisedIdentifier, int]:
    """When each identifier was first stated by a contact that links through it."""
    first: dict[NormalisedIdentifier, int] = {}
    for link in links:
        first[link.identifier] = min(link.since, first.get(link.identifier, link.since))
    return first


def _arose_at(one: RefusedLink, resolution: Resolution, first: Mapping[NormalisedIdentifier, int]) -> int:
    """When the last statement was made that it took to refuse the link."""
    since, detail = one.link.since, one.detail
    if one.reason == "shared_device":
        return max(since, *_asserted_at(one.link, resolution))
    if one.reason == "decided_different":
        return max(since, resolution.evidence.decisions[detail[0], detail[1]].at)
    if one.reason == "generic":
        return since
    return max(since, *(first.get((detail[0], value), since) for value in detail[1:]))


def _asserted_at(link: Link, resolution: Resolution) -> Iterator[int]:
    """When each value of the link's type and scope was first asserted of its contact."""
    rule = resolution.policy.rule(link.type)
    exclusive = rule.exclusive if rule else None
    if exclusive is None:
        return
    holdings, _ = normalised(resolution.evidence.holdings[link.contact], resolution.policy)
    for (type_name, value), holding in holdings.items():
        same = type_name == link.type and scope_of(exclusive, value) == scope_of(exclusive, link.value)
        if same and holding.first_asserted:
            yield holding.first_asserted[0]
