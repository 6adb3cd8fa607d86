"""What a demo has to show: a result as data, and the same for people."""

import shlex
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from services.demo import brand
from services.demo.accounts import Door, Tally
from services.demo.customers_report import customers_as_json, customers_table
from services.demo.letters import Way
from services.demo.membership import Listener, Tables
from services.query import why_command
from services.query.core.identity_models import Why

_TAIPEI: Final = timezone(timedelta(hours=8))
_TIMES: Final = (
    ("last_customer_interaction_at", "customer last interacted", "客人最後互動"),
    ("last_team_interaction_at", "team last interacted", "團隊最後互動"),
    ("last_marketing_at", "last marketing", "團隊最後行銷"),
)
_WAYS: Final[tuple[tuple[Way, str], ...]] = (
    ("line", "signed webhooks of LINE"),
    ("facebook", "signed webhooks of Messenger"),
    ("instagram", "signed webhooks of Instagram"),
    ("whatsapp", "signed webhooks of WhatsApp"),
    ("site", "Segment's API, with a write key"),
    ("members", "records of members"),
    ("campaigns", "lists of campaigns"),
    ("events", "POST /v1/events: what no other way can say"),
)


@dataclass(frozen=True, slots=True)
class Result:
    """Everything a demo found. ``faults`` is empty if and only if the accounts balance."""

    door: Door
    counted: Tally
    already: int
    seconds: float
    contacts: list[dict[str, Any]]
    tables: Tables
    listener: Listener
    profile: dict[str, Any]
    why: Why
    url: str
    key: str
    command: str
    faults: list[str] = field(default_factory=list)

    @property
    def events_per_s(self) -> float:
        """Records of the log in the read models, by the second, from the first request to the last row."""
        return self.counted.records / self.seconds if self.seconds else 0.0

    @property
    def next_steps(self) -> list[str]:
        """Commands to go on with."""
        contact = "/".join(self.profile.get(part, "") for part in ("channel", "account", "uid"))
        customer = f"{self.url}/v1/customers/{self.profile.get('customer_id', '')}"
        bearer = f"-H 'Authorization: Bearer {self.key}'"
        return [
            f"curl {bearer} '{self.url}/v1/contacts/{contact}'",
            f"curl {bearer} '{self.url}/v1/contacts/{contact}/timeline?limit=20'",
            f"curl {bearer} '{customer}'",
            f"curl {bearer} '{customer}/identity'",
            f"curl {bearer} '{self.url}/v1/identity/conflicts?limit=20'",
            f"{self.command} why {shlex.quote(self.why.a.contact)} {shlex.quote(self.why.b.contact)}",
            f"curl '{self.url}/metrics'",
            f"{self.command} verify",
        ]

    def as_json(self) -> dict[str, Any]:
        """The result as one JSON object."""
        return {
            "accepted": self.door.accepted,
            "accepted_by": dict(self.door.accepted_by),
            "committed": self.counted.committed,
            "dead_lettered": self.counted.dead_letters,
            "duplicates": self.counted.duplicates,
            "rejected": self.door.rejected,
            "refused_requests": self.door.refused,
            "broken_written": self.door.broken,
            "resent": self.door.resent,
            "already_there": self.already,
            "seconds": round(self.seconds, 3),
            "events_per_s": round(self.events_per_s, 1),
            "balanced": not self.faults,
            "faults": self.faults,
            "contacts": self.contacts,
            "customers": customers_as_json(self.tables, self.listener),
            "why": self.why.model_dump(mode="json"),
            "profile": self.profile,
            "url": self.url,
            "key": self.key,
            "next": self.next_steps,
        }


def show(console: Console, result: Result, *, leave: bool) -> None:
    """Print the result for people. ``leave`` says that everything ends now."""
    console.print(_accounts(result), _contacts(result), sep="\n")
    console.print(customers_table(result.tables, result.listener), _profile(result.profile), sep="\n")
    why_command.show(console, result.why)
    console.print()
    if result.already:
        console.print(
            f"{result.already:,} of these events were here from an earlier demo on the same data, so they count as "
            "duplicates now; the accounts are the difference of the counters before and after."
        )
    if result.faults:
        console.print("[bold red]The accounts do not balance:[/]", *(f"  {fault}" for fault in result.faults), sep="\n")
    else:
        console.print(
            "[bold green]The accounts balance[/]: accepted + broken = committed + duplicates + dead-lettered;\n"
            "every contact is in one customer, and the changes told come to the same customers."
        )
    first = ", once [italic]onefold up[/] has started it again on the same data" if leave else ""
    console.print(f"\n[bold]Where to look next[/]{first}")
    for step in result.next_steps:
        console.print(f"  {step}", soft_wrap=True, highlight=False, markup=False)


def _accounts(result: Result) -> Table:
    table = Table(title=f"{brand.NAME}: a year in {result.seconds:.1f} s", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column(style="dim")
    door, counted = result.door, result.counted
    for row in (
        ("events accepted", door.accepted, "after Kafka's acknowledgement"),
        *((f"  {way}", door.accepted_by[way], by) for way, by in _WAYS if way in door.accepted_by),
        ("events committed", counted.committed, "new, in every read model"),
        ("duplicates absorbed", counted.duplicates, "delivered again, changed nothing"),
        ("dead-lettered", counted.dead_letters, f"of {door.broken} broken records in the log"),
        ("rejected at the door", door.rejected, f"and {door.refused} requests refused whole"),
        ("events/s", round(result.events_per_s), "from the first request to the last row"),
    ):
        table.add_row(row[0], f"{row[1]:,}", row[2])
    return table


def _contacts(result: Result) -> Table:
    table = Table(title="Contacts by channel and subscription", title_justify="left")
    table.add_column("channel")
    for name in ("subscribed", "blocked", "none", "contacts"):
        table.add_column(name, justify="right")
    for row in result.contacts:
        table.add_row(row["channel"], *(f"{row[name]:,}" for name in ("subscribed", "blocked", "none", "contacts")))
    return table


def _profile(profile: dict[str, Any]) -> Panel:
    facts = Table.grid(padding=(0, 2))
    facts.add_column(no_wrap=True)
    facts.add_column(overflow="fold")
    for name, value in _facts(profile):
        facts.add_row(Text(name, style="dim"), Text(value))  # as text: a name may look like markup
    title = profile.get("profile", {}).get("display_name") or profile.get("contact", "")
    return Panel(Group(facts), title=Text(str(title)), title_align="left", expand=False)


def _facts(profile: dict[str, Any]) -> list[tuple[str, str]]:
    subscription = profile.get("subscription", {})
    tags = ", ".join(f"{tag['tag']} x{tag['count']}" for tag in profile.get("tags", []))
    attributes = ", ".join(f"{key} = {one['value']}" for key, one in profile.get("attributes", {}).items())
    consents = ", ".join(
        f"{kind} {'yes' if one['allowed'] else 'no'}" for kind, one in profile.get("consents", {}).items()
    )
    staff = profile.get("staff") or {}
    return [
        ("contact", str(profile.get("contact", ""))),
        ("customer", str(profile.get("customer_id", ""))),
        ("subscription", f"{subscription.get('status', '')} since {moment(subscription.get('since'))}"),
        *((f"{english} {chinese}", moment(profile.get(name))) for name, english, chinese in _TIMES),
        ("consents", consents),
        ("tags", tags or "-"),
        ("attributes", attributes or "-"),
        ("looked after by", " / ".join(filter(None, (staff.get("member"), staff.get("branch")))) or "-"),
    ]


def moment(at: int | None) -> str:
    """A time in ms as people in Taiwan read it."""
    return "-" if at is None else f"{datetime.fromtimestamp(at / 1000, _TAIPEI):%Y-%m-%d %H:%M}"
