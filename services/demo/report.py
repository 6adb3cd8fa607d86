"""What a demo found: as data for programs, and as tables for people."""

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from services.demo import brand
from services.demo.accounts import LogCounts, SendCounts
from services.demo.customers import Customers
from services.demo.sending import Target
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
_SUBSCRIPTIONS: Final = ("subscribed", "blocked", "none", "contacts")


@dataclass(frozen=True, slots=True)
class Result:
    """Everything a demo found. ``faults`` is empty if and only if the accounts balance."""

    sent: SendCounts
    counted: LogCounts
    already_there: int
    seconds: float
    contacts: list[dict[str, Any]]
    customers: Customers
    profile: dict[str, Any]
    why: Explanation
    target: Target
    faults: list[str] = field(default_factory=list)

    @property
    def events_per_s(self) -> float:
        """Log records in the read models a second, from the first request to the last row."""
        return self.counted.records / self.seconds if self.seconds else 0.0

    @property
    def next_steps(self) -> list[str]:
        """Commands to go on with."""
        url, command = self.target.url, self.target.command
        contact = "/".join(self.profile.get(part, "") for part in ("channel", "account", "uid"))
        customer = f"customers/{self.profile.get('customer_id', '')}"
        paths = (
            f"contacts/{contact}",
            f"contacts/{contact}/timeline?limit=20",
            customer,
            f"{customer}/identity",
            "identity/conflicts?limit=20",
        )
        return [
            *(f"curl -H 'Authorization: Bearer {self.target.key}' '{url}/v1/{path}'" for path in paths),
            f"{command} why {shlex.quote(self.why.a.contact)} {shlex.quote(self.why.b.contact)}",
            f"curl '{url}/metrics'",
            f"{command} verify",
        ]

    def as_json(self) -> dict[str, Any]:
        """The result as one JSON object."""
        return {
            "accepted": self.sent.accepted,
            "accepted_by": dict(self.sent.accepted_by),
            "committed": self.counted.committed,
            "dead_lettered": self.counted.dead_letters,
            "duplicates": self.counted.duplicates,
            "rejected": self.sent.rejected,
            "refused_requests": self.sent.refused,
            "broken_written": self.sent.broken,
            "resent": self.sent.resent,
            "already_there": self.already_there,
            "seconds": round(self.seconds, 3),
            "events_per_s": round(self.events_per_s, 1),
            "balanced": not self.faults,
            "faults": self.faults,
            "contacts": self.contacts,
            "customers": self.customers.as_json(),
            "why": self.why.model_dump(mode="json"),
            "profile": self.profile,
            "url": self.target.url,
            "key": self.target.key,
            "next": self.next_steps,
        }


def show(console: Console, result: Result, *, leave: bool) -> None:
    """Print the result for people. ``leave`` says that everything ends now."""
    console.print(_table(f"{brand.NAME}: a year in {result.seconds:.1f} s", _account_rows(result)))
    contacts = Table("channel", title="Contacts by channel and subscription", title_justify="left")
    for name in _SUBSCRIPTIONS:
        contacts.add_column(name, justify="right")
    for row in result.contacts:
        contacts.add_row(row["channel"], *(f"{row[name]:,}" for name in _SUBSCRIPTIONS))
    console.print(contacts, _table("Who is who", result.customers.rows()), _profile(result.profile), sep="\n")
    why_command.show(console, result.why)
    if result.already_there:
        console.print(
            f"\n{result.already_there:,} of these events were here from an earlier demo on the same data, so they "
            "count as duplicates now."
        )
    if result.faults:
        console.print("\n[bold red]The accounts do not balance:[/]")
        console.print(*(f"  {fault}" for fault in result.faults), sep="\n", markup=False)
    else:
        console.print(
            "\n[bold green]The accounts balance[/]: accepted + broken = committed + duplicates + dead-lettered;\n"
            "every table is what a fold of the log gives, and the announced changes give the same customers."
        )
    first = ", once [italic]onefold up[/] has started it again on the same data" if leave else ""
    console.print(f"\n[bold]Where to look next[/]{first}")
    console.print(*(f"  {step}" for step in result.next_steps), sep="\n", soft_wrap=True, highlight=False, markup=False)


def _table(title: str, rows: Iterable[tuple[str, int, str]]) -> Table:
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column(style="dim")
    for name, number, meaning in rows:
        table.add_row(name, f"{number:,}", meaning)
    return table


def _account_rows(result: Result) -> Iterator[tuple[str, int, str]]:
    sent, counted = result.sent, result.counted
    yield "events accepted", sent.accepted, "after Kafka's acknowledgement"
    for sender, how in _SENDERS.items():
        if sender in sent.accepted_by:
            yield f"  {sender}", sent.accepted_by[sender], how
    yield "events committed", counted.committed, "new, in every read model"
    yield "duplicates absorbed", counted.duplicates, "delivered again, changed nothing"
    yield "dead-lettered", counted.dead_letters, f"of {sent.broken} broken records in the log"
    yield "rejected by ingress", sent.rejected, f"and {sent.refused} requests refused as a whole"
    yield "events/s", round(result.events_per_s), "from the first request to the last row"


def _profile(profile: dict[str, Any]) -> Panel:
    facts = Table.grid(padding=(0, 2))
    facts.add_column(no_wrap=True)
    facts.add_column(overflow="fold")
    for name, value in _facts(profile).items():
        facts.add_row(Text(name, style="dim"), Text(value or "-"))  # as text: a name may look like markup
    title = profile.get("profile", {}).get("display_name") or profile.get("contact", "")
    return Panel(facts, title=Text(str(title)), title_align="left", expand=False)


def _facts(profile: dict[str, Any]) -> dict[str, str]:
    subscription, staff = profile.get("subscription", {}), profile.get("staff") or {}
    consents = profile.get("consents", {}).items()
    return {
        "contact": str(profile.get("contact", "")),
        "customer": str(profile.get("customer_id", "")),
        "subscription": f"{subscription.get('status', '')} since {_time(subscription.get('since'))}",
        **{title: _time(profile.get(name)) for name, title in _TIMES.items()},
        "consents": ", ".join(f"{kind} {'yes' if one['allowed'] else 'no'}" for kind, one in consents),
        "tags": ", ".join(f"{tag['tag']} x{tag['count']}" for tag in profile.get("tags", [])),
        "attributes": ", ".join(f"{key} = {one['value']}" for key, one in profile.get("attributes", {}).items()),
        "looked after by": " / ".join(filter(None, (staff.get("member"), staff.get("branch")))),
    }


def _time(at: int | None) -> str:
    return "-" if at is None else f"{datetime.fromtimestamp(at / 1000, _TAIPEI):%Y-%m-%d %H:%M}"
