"""Prints the result of ``onefold resolve``: JSON for programs, tables for people."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple, get_args

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from projections.identity.resolution.links import MEANINGS, Customer, Refusal, RefusedLink, SetAside
from projections.identity.resolution.resolution import Resolution
from services.runtime.terminal import show_on

PersonalId = Callable[[str], str]
_ROWS_PER_PIECE: Final = 5000
_LARGEST: Final = 5
_SIZES: Final = ((1, 1), (2, 2), (3, 5), (6, 10), (11, 30), (31, None))
_CORRECT: Final = (
    "Values set aside tie nobody. Correct them at their source, or change the policy: phones, blocked, also_blocked."
)
_REVIEW: Final = (
    "Refused links tie nobody either. If one should, merge its member ids, or try a policy with other limits."
)
_NEXT: Final = (
    "Next: --json lists every customer, refused link and value set aside; --policy FILE tries other rules (see --help)."
)


class TenantResolution(NamedTuple):
    """A tenant's resolution; ``personal_id`` gives the customer id of a founder's contact key."""

    tenant: str
    resolution: Resolution
    personal_id: PersonalId


def json_pieces(found: Sequence[TenantResolution]) -> Iterator[bytes]:
    """One JSON object in pieces, so that it is never in memory as a whole."""
    yield b'{"customers":['
    yield from _listed(_customer(one, customer) for one in found for customer in one.resolution.customers)
    yield b'],"refused":['
    yield from _listed(_refused(one.tenant, refused) for one in found for refused in one.resolution.refused)
    yield b'],"set_aside":['
    yield from _listed(_set_aside(one.tenant, value) for one in found for value in one.resolution.set_aside)
    yield b"]}\n"


def _listed(rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """The inside of a JSON list, in pieces of some thousand rows."""
    rows = iter(rows)
    separator = b""
    while batch := list(islice(rows, _ROWS_PER_PIECE)):
        yield separator + orjson.dumps(batch)[1:-1]
        separator = b","


def _customer(found: TenantResolution, customer: Customer) -> dict[str, Any]:
    unseen = found.resolution.evidence.unseen
    return {
        "tenant": found.tenant,
        "id": found.personal_id(customer.founder),
        "founder": customer.founder,
        "contacts": customer.contacts,
        "unseen": [contact for contact in customer.contacts if contact in unseen],
        "member_id": customer.member_id,
        "member_ids": customer.member_ids,
    }


def _refused(tenant: str, refused: RefusedLink) -> dict[str, Any]:
    link = refused.link
    contact, session = link.node
    return {
        "tenant": tenant,
        "contact": contact,
        "session": session,
        "type": link.type,
        "value": link.value,
        "tier": link.tier,
        "reason": refused.reason,
    }


def _set_aside(tenant: str, one: SetAside) -> dict[str, Any]:
    return {"tenant": tenant, "contact": one.contact, "type": one.type, "value": one.value, "reason": one.reason}


def show(console: Console, found: TenantResolution) -> None:
    """Print a tenant's resolution as tables."""
    resolution = found.resolution
    _print(console, _summary(found))
    console.print(_sizes(resolution.customers))
    if resolution.refused:
        console.print(_reasons(resolution.refused))
        _print(console, _REVIEW)
    if resolution.set_aside:
        console.print(_values_set_aside(resolution.set_aside))
        _print(console, _CORRECT)
    if any(len(customer.contacts) > 1 for customer in resolution.customers):
        _show_largest(console, resolution.customers)


def show_next_steps(console: Console, *, empty: bool) -> None:
    """Print what to do with the result; ``empty`` is whether there was nothing to resolve."""
    if empty:
        _print(console, "There are no events, so there are no customers.")
    _print(console, _NEXT)


def printable(text: str) -> str:
    """The text without control characters, which a terminal would obey."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def _summary(found: TenantResolution) -> str:
    resolution = found.resolution
    contacts = sum(len(customer.contacts) for customer in resolution.customers)
    unseen = sum(contact in resolution.evidence.unseen for one in resolution.customers for contact in one.contacts)
    return (
        f"{found.tenant}: {contacts:,} contacts are {len(resolution.customers):,} customers"
        f" by {len(resolution.accepted):,} links. {len(resolution.refused):,} links were refused,"
        f" {len(resolution.set_aside):,} values set aside."
        + (f" {unseen:,} of the contacts have no event of their own." if unseen else "")
    )


def _sizes(customers: Iterable[Customer]) -> Table:
    counted = Counter(len(customer.contacts) for customer in customers)
    table = _table("Customers by size", "contacts", "customers")
    for least, most in _SIZES:
        number = sum(count for size, count in counted.items() if size >= least and (most is None or size <= most))
        if number:
            label = f"{least} and more" if most is None else str(least) if least == most else f"{least} to {most}"
            table.add_row(label, f"{number:,}")
    return table


def _reasons(refused: Iterable[RefusedLink]) -> Table:
    counted = Counter(one.reason for one in refused)
    table = _table("Refused links", "reason", "links", "which means")
    for reason in get_args(Refusal):
        if counted[reason]:
            table.add_row(reason, f"{counted[reason]:,}", MEANINGS[reason])
    return table


def _values_set_aside(set_aside: Iterable[SetAside]) -> Table:
    counted = Counter((one.type, one.reason) for one in set_aside)
    table = _table("Values set aside", "type", "reason", "values", "which means")
    for (type_name, reason), count in sorted(counted.items()):
        table.add_row(type_name, reason, f"{count:,}", MEANINGS[reason])
    return table


def _show_largest(console: Console, customers: Iterable[Customer]) -> None:
    """The customers with the most contacts; their ids are never cut or wrapped, so that they can be copied."""
    largest = sorted(customers, key=lambda customer: (-len(customer.contacts), customer.founder))
    _print(console, "\nThe largest customers")
    show_on(
        console,
        ("contacts", "member id", "founder"),
        (
            (f"{len(one.contacts):,}", printable(one.member_id or ""), printable(one.founder))
            for one in largest[:_LARGEST]
            if len(one.contacts) > 1
        ),
    )


def _table(title: str, *columns: str) -> Table:
    return Table(*columns, title=title, title_justify="left")


def _print(console: Console, sentence: str) -> None:
    console.print(escape(sentence), highlight=False)
