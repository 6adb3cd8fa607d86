"""What a demo found: one JSON object for programs, and tables for people."""

import shlex
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from pydantic import BaseModel
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from projections.identity.resolution.links import MEANINGS
from services.demo import brand
from services.demo.connections import Target
from services.demo.customers import Customers
from services.query import why_command
from services.query.core.identity_models import Explanation

_TAIPEI: Final = timezone(timedelta(hours=8))
_TIMES: Final = {
    "last_customer_interaction_at": "customer last interacted 客人最後互動",
    "last_team_interaction_at": "team last interacted 團隊最後互動",
    "last_marketing_at": "last marketing 團隊最後行銷",
}
_SENDERS: Final = {
    "line": "signed webhooks of LINE",
    "facebook": "signed webhooks of Messenger",
    "instagram": "signed webhooks of Instagram",
    "whatsapp": "signed webhooks of WhatsApp",
    "site": "Segment's API, with a write key",
    "members": "member records",
    "campaigns": "lists of campaigns",
    "events": "POST /v1/events: what no other sender reports",
}
_LARGE: Final = 5  # customers of so many contacts or more are shown together
_BALANCED: Final = """
[bold green]The accounts balance[/]: accepted + broken = committed + duplicates + dead-lettered;
every table is what a fold of the log gives, and the announced changes give the same customers."""
_AGAIN: Final = """
{:,} of these events were here from an earlier demo on the same data, so they count as duplicates now."""
_Rows = Iterator[tuple[str, int, str]]  # name, number, meaning


class Result(BaseModel):
    """Everything a demo found. ``faults`` is empty if and only if the accounts balance.

    ``events_per_s`` are log records in the read models a second, from the first request to the last row.
    """

    accepted: int
    accepted_by: dict[str, int]
    committed: int
    dead_lettered: int
    duplicates: int
    rejected: int
    refused_requests: int
    broken_written: int
    resent: int
    already_there: int
    seconds: float
    events_per_s: float
    balanced: bool
    faults: list[str]
    contacts: list[dict[str, Any]]
    customers: Customers
    why: Explanation
    profile: dict[str, Any]
    url: str
    key: str
    next: list[str]


def next_steps(target: Target, profile: dict[str, Any], why: Explanation) -> list[str]:
    """Return commands to go on with."""
    contact = "/".join(profile[part] for part in ("channel", "account", "uid"))
    customer = f"customers/{profile['customer_id']}"
    paths = (
        f"contacts/{contact}",
        f"contacts/{contact}/timeline?limit=20",
        customer,
        f"{customer}/identity",
        "identity/conflicts?limit=20",
    )
    return [
        *(f"curl -H 'Authorization: Bearer {target.key}' '{target.url}/v1/{path}'" for path in paths),
        f"{target.command} why {shlex.quote(why.a.contact)} {shlex.quote(why.b.contact)}",
        f"curl '{target.url}/metrics'",
        f"{target.command} verify",
    ]


def show(console: Console, result: Result, *, leave: bool) -> None:
    """Print the result for people. ``leave`` says that everything ends now."""
    console.print(_table(f"{brand.NAME}: a year in {result.seconds:.1f} s", _account_rows(result)))
    console.print(_contacts(result.contacts), _table("Who is who", _customer_rows(result.customers)), sep="\n")
    console.print(_profile(result.profile))
    why_command.show(console, result.why)
    if result.already_there:
        console.print(_AGAIN.format(result.already_there))
    if result.faults:
        console.print("\n[bold red]The accounts do not balance:[/]")
        console.print(*(f"  {fault}" for fault in result.faults), sep="\n", markup=False)
    else:
        console.print(_BALANCED)
    first = ", once [italic]onefold up[/] has started it again on the same data" if leave else ""
    console.print(f"\n[bold]Where to look next[/]{first}")
    console.print(*(f"  {step}" for step in result.next), sep="\n", soft_wrap=True, highlight=False, markup=False)


def _table(title: str, rows: Iterable[tuple[str, int, str]]) -> Table:
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column(style="dim")
    for name, number, meaning in rows:
        table.add_row(name, f"{number:,}", meaning)
    return table


def _contacts(rows: list[dict[str, Any]]) -> Table:
    table = Table("channel", title="Contacts by channel and subscription", title_justify="left")
    numbers = ("subscribed", "blocked", "none", "contacts")
    for name in numbers:
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(row["channel"], *(f"{row[name]:,}" for name in numbers))
    return table


def _account_rows(result: Result) -> _Rows:
    yield "events accepted", result.accepted, "after Kafka's acknowledgement"
    for sender, how in _SENDERS.items():
        if sender in result.accepted_by:
            yield f"  {sender}", result.accepted_by[sender], how
    yield "events committed", result.committed, "new, in every read model"
    yield "duplicates absorbed", result.duplicates, "delivered again, changed nothing"
    yield "dead-lettered", result.dead_lettered, f"of {result.broken_written} broken records in the log"
    yield "rejected by ingress", result.rejected, f"and {result.refused_requests} requests refused as a whole"
    yield "events/s", round(result.events_per_s), "from the first request to the last row"


def _customer_rows(customers: Customers) -> _Rows:
    sizes = customers.contacts_per_customer
    yield "customers", customers.count, "Omni-customers, each with all its contacts"
    for size, number in sizes.items():
        if size < _LARGE:
            yield f"  of {size} contact{'s' if size > 1 else ''}", number, ""
    if large := sum(number for size, number in sizes.items() if size >= _LARGE):
        yield f"  of {_LARGE} or more", large, ""
    yield "merges", customers.merges, "times that customers became one"
    yield "splits", customers.splits, "customers that came out of another one"
    for what, counts in (("refused", customers.refused), ("set aside", customers.set_aside)):
        for reason, count in counts.items():
            yield f"{what}: {reason}", count, MEANINGS[reason]


def _profile(profile: dict[str, Any]) -> Panel:
    facts = Table.grid(padding=(0, 2))
    facts.add_column(no_wrap=True)
    facts.add_column(overflow="fold")
    for name, value in _facts(profile).items():
        facts.add_row(Text(name, style="dim"), Text(value or "-"))  # as text: a name may look like markup
    title = profile["profile"].get("display_name") or profile["contact"]
    return Panel(facts, title=Text(title), title_align="left", expand=False)


def _facts(profile: dict[str, Any]) -> dict[str, str]:
    subscription, staff = profile["subscription"], profile["staff"] or {}
    consents = profile["consents"].items()
    return {
        "contact": profile["contact"],
        "customer": profile["customer_id"],
        "subscription": f"{subscription['status']} since {_time(subscription['since'])}",
        **{title: _time(profile[name]) for name, title in _TIMES.items()},
        "consents": ", ".join(f"{kind} {'yes' if one['allowed'] else 'no'}" for kind, one in consents),
        "tags": ", ".join(f"{tag['tag']} x{tag['count']}" for tag in profile["tags"]),
        "attributes": ", ".join(f"{key} = {one['value']}" for key, one in profile["attributes"].items()),
        "looked after by": " / ".join(filter(None, (staff.get("member"), staff.get("branch")))),
    }


def _time(at: int | None) -> str:
    return "-" if at is None else f"{datetime.fromtimestamp(at / 1000, _TAIPEI):%Y-%m-%d %H:%M}"
