"""Shows answers of the read API on a terminal: tables that fit its width, of which every value can be copied."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from services.query.core.bulk_models import BulkPreview
from services.query.core.erasure_models import ErasurePreview, ErasureView
from services.query.core.job_models import JobView
from services.query.core.models import ContactView, CustomerView
from services.query.core.quota_models import QuotaStatus
from services.query.core.search_models import AsOf, FoundCustomer
from services.query.core.segment_models import SegmentView
from services.query.core.send_models import SendAnswer
from services.runtime.terminal import named_values, say, show_on

_GAP: Final = 2  # cells between columns
_NAME: Final = 16  # cells of a name where there is no room for all of it
_INDENT: Final = "  "
_BAR: Final = "\N{FULL BLOCK}"
_BAR_CELLS: Final = 30


class Column(NamedTuple):
    """A column and its values; of those that do not fit, the one with the highest number is left out first."""

    title: str
    rank: int
    values: Sequence[str]


def show_customers(console: Console, customers: Sequence[FoundCustomer]) -> None:
    """A line for each customer, with as many columns as fit."""
    columns = [
        Column("customer", 0, [str(one.id) for one in customers]),
        Column("name", 1, [printable(one.name or "") for one in customers]),
        Column("member id", 2, [printable(one.member_id or "") for one in customers]),
        Column("phone", 4, [one.phone or "" for one in customers]),
        Column("e-mail", 5, [printable(one.email or "") for one in customers]),
        Column("last message", 3, [_day(one.last_customer_interaction_at) for one in customers]),
        Column("valid", 6, [_yes(one.valid) for one in customers]),
        Column("accounts", 7, [" ".join(printable(it.account) for it in one.accounts) for one in customers]),
        Column("tags", 8, [" ".join(printable(it.tag) for it in one.tags) for one in customers]),
    ]
    _show_columns(console, columns)


def show_customer(console: Console, customer: CustomerView) -> None:
    """Everything that is known of a customer, and where it came from."""
    console.print(Text(printable(customer.name or "Without a name"), "bold"), soft_wrap=True)
    facts = [
        ("customer", str(customer.id)),
        ("member id", printable(", ".join(customer.member_ids or [customer.member_id or ""]))),
        ("phone", customer.phone or ""),
        ("e-mail", printable(customer.email or "")),
        ("names", printable(", ".join(customer.names))),
        ("valid", _yes(customer.valid)),
        ("customer wrote", _time(customer.last_customer_interaction_at)),
        ("team wrote", _time(customer.last_team_interaction_at)),
        ("marketing", _time(customer.last_marketing_at)),
        ("first seen", _time(customer.first_seen_at)),
    ]
    _show_facts(console, facts)
    bindings = ((one.via, _time(one.at), printable(one.origin)) for one in customer.social_bindings)
    _titled(console, "Social bindings", ("way", "bound", "contact"), bindings)
    _titled(console, "Tags", ("tag", "times", "last", "contacts"), _tags(customer))
    _titled(console, "Attributes", ("attribute", "value", "set", "contact"), _attributes(customer))
    for contact in customer.contacts:
        console.print()
        console.print(Text(printable(contact.contact), "bold"), soft_wrap=True)
        _show_facts(console, _contact(contact))


def show_quota(console: Console, quota: QuotaStatus) -> None:
    """What is used of the quota, in all and by account."""
    share = "" if quota.share is None else f" ({quota.share:.1%})"
    _show_facts(
        console,
        [
            ("limit", "none" if quota.limit is None else f"{quota.limit:,} {quota.unit}"),
            ("used", f"{quota.used:,}{share}"),
            ("remaining", "" if quota.remaining is None else f"{quota.remaining:,}"),
            ("over quota", f"{quota.over_quota:,}"),
            ("", "" if quota.current else "Changes are on their way into these numbers; ask again in a moment."),
        ],
    )
    accounts = ((one.channel, printable(one.account), f"{one.used:,}") for one in quota.accounts)
    _titled(console, "Valid contacts", ("channel", "account", "contacts"), accounts)
    _titled(console, "At the end of each day, UTC", ("day", "used", ""), _days(quota))


def _days(quota: QuotaStatus) -> Iterator[tuple[str, str, str]]:
    """A row for each day of the history, the latest first, with a bar that is full at the most of all days."""
    most = max((one.used for one in quota.history), default=0) or 1
    widest = max((len(f"{one.used:,}") for one in quota.history), default=0)
    for one in reversed(quota.history):
        yield one.day.isoformat(), f"{one.used:,}".rjust(widest), _BAR * round(one.used / most * _BAR_CELLS)


def show_answers(console: Console, answers: Iterable[SendAnswer]) -> None:
    """Whether each contact may be sent to, and why not."""
    rows = ((printable(one.contact), _yes(one.allowed), ", ".join(one.reasons)) for one in answers)
    show_on(console, ("contact", "may be sent", "because"), rows)


def show_segments(console: Console, segments: Sequence[SegmentView]) -> None:
    """A line for each segment."""
    _show_columns(
        console,
        [
            Column("segment", 0, [printable(one.segment) for one in segments]),
            Column("name", 1, [printable(one.name or "") for one in segments]),
            Column("saved", 2, [_time(one.saved_at) for one in segments]),
            Column("by", 3, [printable(one.by or "") for one in segments]),
            Column("problem", 4, [one.problem or "" for one in segments]),
        ],
    )


def say_if_late(as_of: AsOf) -> None:
    """Say so if customers are behind what is known of contacts."""
    if not as_of.complete:
        say("Not all customers are here yet: the list is still being made.")
    elif as_of.is_late:
        say(f"Some changes are not in these numbers yet. The earliest has waited for {as_of.seconds_behind:,} seconds.")


def show_bulk_preview(console: Console, preview: BulkPreview) -> None:
    """How many customers a bulk action would change, and how many contacts on each channel."""
    counts = (
        ("found", preview.customers),
        ("would change", preview.changed),
        ("are so already", preview.unchanged),
        ("have no contact that is meant", preview.skipped),
    )
    show_on(console, ("customers", ""), ((name, f"{number:,}") for name, number in counts))
    channels = ((one.channel, f"{one.contacts:,}", f"{one.changed:,}") for one in preview.channels)
    _titled(console, "Contacts", ("channel", "meant", "would change"), channels)
    for note in preview.notes:
        console.print(Text(note), soft_wrap=True)


def show_job_result(console: Console, job: JobView) -> None:
    """What came of a job, in numbers."""
    show_on(console, ("job", str(job.id)), [("state", job.state), *named_values(job.result or {})])


def show_erasure_preview(console: Console, preview: ErasurePreview) -> None:
    """Whom an erasure would erase, and how much is known of them."""
    show_on(console, ("contact",), ((printable(one),) for one in preview.contacts))
    console.print(Text(f"{preview.events:,} events are in their timelines."), soft_wrap=True)


def show_receipt(console: Console, erasure: ErasureView) -> None:
    """What an erasure has removed, and what Onefold can't remove."""
    if (receipt := erasure.receipt) is None:
        return
    facts = [("requested", _time(receipt.requested_at)), ("finished", _time(receipt.finished_at))]
    removed = [("contacts", f"{receipt.contacts:,}"), *named_values(receipt.removed)]
    show_on(console, ("erasure", str(erasure.id)), [*facts, *removed])
    _titled(console, "What remains", ("place",), ((one.replace("_", " "),) for one in receipt.remains))


def _show_columns(console: Console, columns: Sequence[Column]) -> None:
    """Columns without any value are left out; on a terminal also those that do not fit, and names are cut."""
    kept = [one for one in columns if any(one.values)]
    if console.is_terminal:
        while len(kept) > 1 and _width(kept) > console.width:
            last = max(kept, key=lambda one: one.rank)
            if last.rank == 1:  # the name: rather cut than left out
                kept = [one._replace(values=[*map(_cut, one.values)]) if one is last else one for one in kept]
                break
            short = [one._replace(values=[*map(_cut, one.values)]) if one.rank == 1 else one for one in kept]
            kept = short if _width(short) <= console.width else [one for one in kept if one is not last]
    show_on(console, tuple(one.title for one in kept), list(zip(*(one.values for one in kept), strict=True)))


def _width(columns: Sequence[Column]) -> int:
    return sum(max(map(cell_len, (one.title, *one.values))) + _GAP for one in columns) - _GAP


def _cut(name: str) -> str:
    """The beginning of a name, of which some characters are two cells wide."""
    return name if cell_len(name) <= _NAME else f"{set_cell_size(name, _NAME - 1).rstrip()}…"


def _show_facts(console: Console, facts: Iterable[tuple[str, str]]) -> None:
    """A line for each fact that has a value, whole."""
    known = [(name, value) for name, value in facts if value]
    width = max((cell_len(name) for name, _ in known), default=0)
    for name, value in known:
        console.print(Text(f"{_INDENT}{name.ljust(width)}{_INDENT}{value}"), soft_wrap=True)


def _titled(console: Console, title: str, titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    if listed := list(rows):
        console.print()
        console.print(Text(title, "bold"))
        show_on(console, titles, listed)


def _tags(customer: CustomerView) -> Iterator[tuple[str, ...]]:
    for one in customer.tags:
        yield printable(one.tag), str(one.count), _day(one.last_at), printable(" ".join(one.origin))


def _attributes(customer: CustomerView) -> Iterator[tuple[str, ...]]:
    for key, one in customer.attributes.items():
        value = f"{one.value}{' (claimed)' if one.claimed else ''}"
        yield printable(key), printable(value), _day(one.at), printable(one.origin)


def _contact(contact: ContactView) -> list[tuple[str, str]]:
    refused = [kind for kind, consent in contact.consents if not consent.allowed]
    sendable = [kind for kind, allowed in contact.may_be_messaged if allowed]
    staff = contact.staff
    return [
        ("subscription", f"{contact.subscription.status} {_since(contact.subscription.since)}".rstrip()),
        ("valid", _yes(contact.valid)),
        ("named", printable(contact.profile.display_name or "")),
        ("customer wrote", _time(contact.last_customer_interaction_at)),
        ("team wrote", _time(contact.last_team_interaction_at)),
        ("marketing", _time(contact.last_marketing_at)),
        ("opted out of", ", ".join(refused)),
        ("may be sent", ", ".join(sendable)),
        ("notifications", printable(", ".join(f"{one.topic} {one.status}" for one in contact.notifications))),
        ("bound by", ", ".join(dict.fromkeys(f"{one.via} {_day(one.at)}" for one in contact.bindings if one.bound))),
        ("staff", printable(" ".join((staff.member or "", staff.branch or "")).strip()) if staff else ""),
        ("tags", printable(", ".join(one.tag for one in contact.tags))),
        ("superseded by", printable(contact.superseded_by or "")),
    ]


def _since(at: int | None) -> str:
    return f"since {_time(at)}" if at is not None else ""


def _time(at: int | None) -> str:
    return "" if at is None else f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def _day(at: int | None) -> str:
    return _time(at)[:10]


def _yes(value: bool) -> str:  # noqa: FBT001 - the value is what is shown
    return "yes" if value else "no"


def printable(text: str) -> str:
    """The text without control characters: anybody can put a terminal's escape sequence into a name."""
    return "".join(one if one.isprintable() else "\ufffd" for one in text)
