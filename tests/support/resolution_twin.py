"""Identity resolution a second time: slow, naive, straight from the specification's sentences.

Nothing of the core is used here, except the policy's values, which are data. Every rule walks all statements and
all links again; sides are lists of sets. What the core must equal, on any set of events.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import phonenumbers

from projections.identity.resolution.policy import Policy
from schemas.events import Event

CHANNELS = {"line", "facebook", "instagram", "whatsapp", "web", "crm"}
JUNK = {"null", "(null)", "none", "nil", "nan", "na", "n/a", "undefined", "unknown", "anonymous", "-1"}


class Statement(NamedTuple):
    contact: str
    type: str
    value: str
    assurance: str  # or "both", retracted
    at: int
    event_id: str
    asserted: bool
    intrinsic: bool = False


class Link(NamedTuple):
    tier: int
    since: int
    type: str
    value: str
    contact: str


class TwinOutcome(NamedTuple):
    customers: list[tuple[str, tuple[str, ...], str | None]]
    refused: list[tuple[str, str, str, int, str]]


def spell(type_name: str, value: str, policy: Policy) -> str | None:  # noqa: PLR0911 - one way out a sentence
    if type_name == "contact":
        parts = value.split(":", 2)
        return value if len(parts) == 3 and parts[0] in CHANNELS and parts[1] and parts[2] else None
    if type_name not in policy.types and not type_name.startswith("x_"):
        return None
    value = value.strip()
    if type_name == "email":
        value = value.lower()
        name, at, domain = value.partition("@")
        if not (name and at and "." in domain.strip(".") and " " not in value and "@" not in domain):
            return None
    if type_name == "phone":
        try:
            number = phonenumbers.parse(value, policy.default_region)
        except phonenumbers.NumberParseException:
            return None
        if not phonenumbers.is_valid_number(number):
            return None
        value = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if type_name.endswith("_user") and not (value.split(":")[0] and ":" in value and value.split(":", 1)[1]):
        return None
    if not value.strip("0-") or value.lower() in JUNK or value.lower() == "test@test.com":
        return None
    return value


def tier_of(type_name: str, assurance: str, policy: Policy) -> int | None:
    rule = policy.types.get(type_name)
    if rule is None:
        return {"verified": 2, "claimed": 3}[assurance]
    return rule.verified if assurance == "verified" else rule.claimed


def limit_of(type_name: str, policy: Policy) -> int:
    return policy.types[type_name].limit if type_name in policy.types else 10


def scope(type_name: str, value: str, policy: Policy) -> tuple[str, str] | None:
    rule = policy.types.get(type_name)
    if rule is None or rule.exclusive is None:
        return None
    return (type_name, "" if rule.exclusive.scope == "tenant" else value.partition(":")[0])


def twin(events: Iterable[Event], policy: Policy) -> TwinOutcome:  # noqa: C901, PLR0912, PLR0915 - the text, top to bottom
    chosen: dict[tuple[str, str], Event] = {}
    for event in events:
        if event.contact is not None:
            name = (event.contact.key, event.event_id)
            if name not in chosen or rank(event) < rank(chosen[name]):
                chosen[name] = event

    contacts: set[str] = set()
    statements: list[Statement] = []
    decisions: list[tuple[int, str, str, frozenset[str]]] = []
    for (contact, event_id), event in chosen.items():
        contacts.add(contact)
        at = event.occurred_at
        statements.extend(
            Statement(contact, one.type, one.value, "verified", at, event_id, asserted=True, intrinsic=True)
            for one in event.intrinsic
        )
        data: Any = event.data
        if event.type == "identity.decided":
            contacts.add(data.other.key)
            decisions.append((at, event_id, data.decision, frozenset({contact, data.other.key})))
        if event.type in {"identity.bound", "identity.unbound"}:
            asserted = event.type == "identity.bound"
            stated = [(i.type, i.value, i.assurance) for i in data.identifiers]
            if data.linked_contact:
                stated.append(("contact", data.linked_contact.key, "verified"))
            for type_name, value, assurance in stated:
                how = assurance if asserted else "both"
                statements.append(Statement(contact, type_name, value, how, at, event_id, asserted))
    contacts |= {one.value for one in statements if one.type == "contact" and spell("contact", one.value, Policy())}

    # 1. Blocked
    statements = [
        one._replace(value=value) for one in statements if (value := spell(one.type, one.value, policy)) is not None
    ]

    # Live evidence
    live: dict[tuple[str, str, str], tuple[int, int, tuple[int, str]]] = {}  # tier, since, latest live assertion
    for key in {(one.contact, one.type, one.value) for one in statements}:
        about = [one for one in statements if (one.contact, one.type, one.value) == key]
        tiers, stamps = [], []
        for assurance in ("verified", "claimed"):
            assured = [one for one in about if one.assurance in {assurance, "both"} and not one.intrinsic]
            decisive = max(assured, key=lambda one: (one.at, one.event_id), default=None)
            if decisive is not None and decisive.asserted:
                tiers.append(tier_of(key[1], assurance, policy))
                stamps.append((decisive.at, decisive.event_id))
        vouched = max(((one.at, one.event_id) for one in about if one.intrinsic), default=None)
        if vouched is not None:
            tiers.append(tier_of(key[1], "verified", policy))
            stamps.append(vouched)
        worth = [tier for tier in tiers if tier is not None]
        if worth:
            live[key] = (min(worth), min(one.at for one in about if one.asserted), max(stamps))

    # 2. Exclusive register
    registered = {
        (contact, type_name, value): worth
        for (contact, type_name, value), worth in live.items()
        if scope(type_name, value, policy) is None
        or (worth[2], value)
        == max(
            (other_worth[2], other_value)
            for (other, other_type, other_value), other_worth in live.items()
            if other == contact
            and other_type == type_name
            and scope(other_type, other_value, policy) == scope(type_name, value, policy)
        )
    }
    links = {
        Link(tier, since, type_name, value, contact)
        for (contact, type_name, value), (tier, since, _) in registered.items()
    }
    refused: list[tuple[Link, str]] = []

    def drop(bad: Iterable[Link], reason: str) -> None:
        nonlocal links
        bad = set(bad)
        refused.extend((link, reason) for link in bad)
        links = links - bad

    # 3. Shared device
    def ever(contact: str, of: tuple[str, str]) -> set[str]:
        return {
            one.value
            for one in statements
            if one.contact == contact and one.asserted and scope(one.type, one.value, policy) == of
        }

    drop(
        [
            link
            for link in links
            if (of := scope(link.type, link.value, policy)) and len(ever(link.contact, of)) > policy.shared_device_limit
        ],
        "shared_device",
    )

    def holders(link: Link, among: set[Link]) -> set[str]:
        at_tier = {one.contact for one in among if one[2:4] == link[2:4] and one.tier <= link.tier}
        return at_tier | ({link.value} if link.type == "contact" else set())

    # 4. Generic value
    drop([link for link in links if len(holders(link, links)) > limit_of(link.type, policy)], "generic")

    def carries(contact: str) -> set[tuple[tuple[str, str], str]]:
        return {
            (of, link.value)
            for link in links
            if link.contact == contact and (of := scope(link.type, link.value, policy))
        }

    # 5. Shared value
    shared = []
    for link in links:
        between = set().union(*(carries(contact) for contact in holders(link, links)))
        kinds = [of for of, _ in between]
        if scope(link.type, link.value, policy) is None and len(kinds) != len(set(kinds)):
            shared.append(link)
    drop(shared, "shared")

    # 6. Staff decisions
    different: set[frozenset[str]] = set()
    care = {"undecided": 0, "same": 1, "different": 2}
    for pair in {decision[3] for decision in decisions}:
        at, _, verdict, _ = max(
            (one for one in decisions if one[3] == pair), key=lambda one: (one[0], one[1], care[one[2]])
        )
        if len(pair) == 2 and verdict == "same":
            links = links | {Link(0, at, "staff", max(pair), min(pair))}
        if len(pair) == 2 and verdict == "different":
            different.add(pair)

    # 7. Constrained Kruskal
    sides: list[set[Any]] = [{contact} for contact in contacts]
    sides += [
        {(link.type, link.value)}
        for link in {link._replace(tier=0, since=0, contact="") for link in links}
        if link.type not in {"contact", "staff"}
    ]

    def values(side: set[Any]) -> set[tuple[tuple[str, str], str]]:
        found: set[tuple[tuple[str, str], str]] = set()
        for node in side:
            if isinstance(node, str):
                found |= carries(node)
            elif of := scope(node[0], node[1], policy):
                found.add((of, node[1]))
        return found

    for link in sorted(links):
        (mine,) = (side for side in sides if link.contact in side)
        node = link.value if link.type in {"contact", "staff"} else (link.type, link.value)
        (theirs,) = (side for side in sides if node in side)
        if mine is theirs:
            continue
        if any(
            one_of == other_of and one != other and link.tier >= policy.types[one_of[0]].exclusive.guards  # type: ignore[union-attr]
            for one_of, one in values(mine)
            for other_of, other in values(theirs)
        ):
            refused.append((link, "exclusive_conflict"))
        elif any(frozenset({one, other}) in different for one in mine for other in theirs if one != other):
            refused.append((link, "decided_different"))
        else:
            sides.remove(theirs)
            mine |= theirs

    # 8. Customers, and who founds them
    def founded_at(contact: str) -> int:
        times = [
            one.at for one in statements if one.contact == contact or (one.type, one.value) == ("contact", contact)
        ]
        return min(times + [at for at, _, _, pair in decisions if contact in pair], default=0)

    customers = []
    for side in sides:
        members = sorted(node for node in side if isinstance(node, str))
        if members:
            founder = min(members, key=lambda contact: (founded_at(contact), contact))
            ids = {value for contact in members for of, value in carries(contact) if of[0] == "member_id"}
            customers.append((founder, tuple(members), min(ids, default=None)))
    in_order = sorted(refused)
    return TwinOutcome(
        sorted(customers), [(link.contact, link.type, link.value, link.tier, reason) for link, reason in in_order]
    )


def rank(event: Event) -> tuple[Any, ...]:
    """The least of an event's repeats counts, by when, type, source and what it says."""
    statements: list[tuple[str, str, str]] = []
    data: Any = event.data
    if event.type == "identity.decided":
        statements = [(data.other.key, "", data.decision)]
    elif event.type in {"identity.bound", "identity.unbound"}:
        statements = [(one.type, one.value, one.assurance) for one in data.identifiers]
        statements += [("contact", data.linked_contact.key, "verified")] if data.linked_contact else []
    intrinsic = sorted((one.type, one.value) for one in event.intrinsic)
    return (event.occurred_at, event.type, event.source, intrinsic, statements)
