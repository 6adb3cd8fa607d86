"""Prints the result of ``onefold resolve``: JSON for programs, tables for people."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple, get_args

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from projections.identity.resolution.links import MEANINGS, Customer, Exclusion, Refusal, RefusedLink
from projections.identity.resolution.resolution import Resolution

PersonalId = Callable[[str], str]
_ROWS_PER_PIECE: Final = 5000
_LARGEST: Final = 5
_SIZES: Final = ((1, 1), (2, 2), (3, 5), (6, 10), (11, 30), (31, None))


class TenantResolution(NamedTuple):
    """A tenant's resolution; ``personal_id`` gives the customer id of a founder's contact key."""

    tenant: str
    resolution: Resolution
    personal_id: PersonalId


def json_pieces(found: Sequence[TenantResolution]) -> Iterator[bytes]:
    """One JSON object in pieces, so that it is never in memory as a whole. With several tenants, rows name theirs."""
    several = len(found) > 1
    yield b'{"customers":['
    yield from _listed(
        _customer(customer, one.personal_id) | ({"tenant": one.tenant} if several else {})
        for one in found
        for customer in one.resolution.customers
    )
    yield b'],"refused":['
    yield from _listed(
        _refused(refused) | ({"tenant": one.tenant} if several else {})
        for one in found
        for refused in one.resolution.refused
    )
    yield b"]}\n"


def _listed(rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """The inside of a JSON list, in pieces of some thousand rows."""
    rows = iter(rows)
    separator = b""
    while batch := list(islice(rows, _ROWS_PER_PIECE)):
        yield separator + orjson.dumps(batch)[1:-1]
        separator = b","


def _customer(customer: Customer, personal_id: PersonalId) -> dict[str, Any]:
    return {
        "id": personal_id(customer.founder),
        "founder": customer.founder,
        "contacts": customer.contacts,
        "member_id": customer.member_id,
    }


def _refused(refused: RefusedLink) -> dict[str, Any]:
    link = refused.link
    return {
        "contact": link.contact,
        "type": link.type,
        "value": link.value,
        "tier": link.tier,
        "reason": refused.reason,
    }


def show(console: Console, found: TenantResolution) -> None:
    """Print a tenant's resolution as tables."""
    resolution = found.resolution
    contacts = sum(len(customer.contacts) for customer in resolution.customers)
    console.print(
        f"[bold]{found.tenant}[/]: {contacts:,} contacts are {len(resolution.customers):,} customers"
        f" by {len(resolution.accepted):,} links; {len(resolution.refused):,} links were refused",
        highlight=False,
        soft_wrap=True,
    )
    console.print(_sizes(resolution.customers))
    _show_reasons(console, "Refused links", get_args(Refusal), Counter(one.reason for one in resolution.refused))
    _show_reasons(console, "Excluded values", get_args(Exclusion), Counter(one.reason for one in resolution.excluded))
    if any(len(customer.contacts) > 1 for customer in resolution.customers):
        console.print(_largest(found))


def _sizes(customers: Iterable[Customer]) -> Table:
    counted = Counter(len(customer.contacts) for customer in customers)
    table = Table("contacts", "customers", title="Customers by size", title_justify="left")
    for least, most in _SIZES:
        number = sum(count for size, count in counted.items() if size >= least and (most is None or size <= most))
        if number:
            label = f"{least} and more" if most is None else str(least) if least == most else f"{least} to {most}"
            table.add_row(label, f"{number:,}")
    return table


def _show_reasons(console: Console, title: str, reasons: Iterable[str], counted: Counter[Any]) -> None:
    if counted:
        table = Table("reason", "links", "which means", title=title, title_justify="left")
        for reason in reasons:
            if counted[reason]:
                table.add_row(reason, f"{counted[reason]:,}", MEANINGS[reason])
        console.print(table)


def _largest(found: TenantResolution) -> Table:
    largest = sorted(found.resolution.customers, key=lambda customer: (-len(customer.contacts), customer.founder))
    table = Table("id", "founder", "contacts", "member id", title="The largest customers", title_justify="left")
    for customer in largest[:_LARGEST]:
        table.add_row(
            found.personal_id(customer.founder),
            escape(printable(customer.founder)),
            f"{len(customer.contacts):,}",
            escape(printable(customer.member_id or "")),
        )
    return table


def printable(text: str) -> str:
    """The text without control characters, which a terminal would obey."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
