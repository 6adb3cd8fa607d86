"""The commands `find`, `show`, `quota`, `may-send` and `segments`: what a team asks every day, over the read API.

What they run is imported when they run: it is slow to import.
"""

import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_args

import typer

from services.query.asking import AsJson, KeyOption, Url, ask_service, filter_of

if TYPE_CHECKING:
    from services.query.read_client import ReadClient

SortOption = Literal["last_customer", "last_team", "last_marketing", "first_seen", "valid_since", "name"]
PurposeOption = Literal["conversation", "broadcast", "cart_remarketing", "web_push", "bot", "welcome"]
_BATCH: Final = 1000  # contacts that are asked about together
_NOT_ALLOWED: Final = 3


def find(  # noqa: PLR0913 - one an option
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[WORDS]", help="A part of a name, a member id, phone or e-mail.")
    ] = None,
    *,
    filter_: Annotated[
        str | None, typer.Option("--filter", metavar="JSON|FILE", help="A filter (docs/search.md), or its file.")
    ] = None,
    sort: Annotated[
        SortOption, typer.Option(metavar="FIELD", help=f"By what they are sorted: {', '.join(get_args(SortOption))}.")
    ] = "last_customer",
    ascending: Annotated[bool, typer.Option("--ascending", help="The earliest, or A, first.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most so many customers.")] = 20,
    total: Annotated[bool, typer.Option("--total", help="Count all exactly, beyond 10,000 too.")] = False,
    url: Url = None,
    key: KeyOption = None,
    as_json: AsJson = False,
) -> None:
    """Find customers by words, by a filter, or by both."""
    request: dict[str, Any] = {
        "filter": filter_of(" ".join(words or ()), filter_),
        "sort": {"by": sort, "direction": "ascending" if ascending else "descending"},
        "limit": limit,
        "total": "exact" if total else "up_to_10000",
    }

    def ask(client: "ReadClient") -> None:
        from rich.console import Console

        from services.query.showing import say_if_late, show_customers
        from services.runtime.terminal import say

        page = client.search(request)
        if as_json:
            typer.echo(page.model_dump_json())
            return
        if page.customers:
            show_customers(Console(), page.customers)
        least = "" if page.total.relation == "exact" else "at least "
        more = f"; these are {len(page.customers)} of them (--limit)" if page.next else ""
        say(f"{least}{page.total.count:,} found{more}")
        say_if_late(page.as_of)

    ask_service(url, key, ask)


def show(
    customer: Annotated[
        str, typer.Argument(help="An id, `member:M7`, `phone:…`, `email:…` or `contact:channel:account:uid`.")
    ],
    *,
    url: Url = None,
    key: KeyOption = None,
    as_json: AsJson = False,
) -> None:
    """Show a customer's profile: what is known, of each contact too, and where it came from."""

    def ask(client: "ReadClient") -> None:
        from rich.console import Console

        from services.query.showing import show_customer

        found = client.customer(customer)
        if as_json:
            typer.echo(found.model_dump_json(by_alias=True))
        else:
            show_customer(Console(), found)

    ask_service(url, key, ask)


def quota(
    *,
    days: Annotated[int | None, typer.Option(min=1, max=366, help="So many days of the history; else 30.")] = None,
    url: Url = None,
    key: KeyOption = None,
    as_json: AsJson = False,
) -> None:
    """Show what is used of the quota, and was at the end of each of the last days."""

    def ask(client: "ReadClient") -> None:
        from rich.console import Console

        from services.query.showing import show_quota

        found = client.quota(days)
        if as_json:
            typer.echo(found.model_dump_json())
        else:
            show_quota(Console(), found)

    ask_service(url, key, ask)


def may_send(  # noqa: PLR0913 - one an option
    contacts: Annotated[list[str] | None, typer.Argument(help="Contacts: `channel:account:uid`.")] = None,
    *,
    purpose: Annotated[
        PurposeOption, typer.Option(metavar="PURPOSE", help=f"What it is for: {', '.join(get_args(PurposeOption))}.")
    ] = "broadcast",
    file: Annotated[
        str | None, typer.Option("--file", metavar="FILE", help="A contact a line; `-` for standard input.")
    ] = None,
    url: Url = None,
    key: KeyOption = None,
    as_json: AsJson = False,
) -> None:
    """Say whether messages may be sent to contacts, and why not; status 3 if not to all of them.

    With --json each answer is a line of JSON.
    """
    if bool(contacts) == bool(file):
        raise typer.BadParameter("Give contacts, or a --file of them.")

    def ask(client: "ReadClient") -> None:
        from rich.console import Console

        from services.query.showing import show_answers
        from services.runtime.terminal import say

        console, done, allowed = Console(), 0, 0
        asked = _lines(file) if file else iter(contacts or ())
        while names := list(islice(asked, _BATCH)):
            answers = client.may_send(names, purpose)
            if as_json:
                typer.echo("\n".join(one.model_dump_json() for one in answers))
            else:
                show_answers(console, answers)
            done, allowed = done + len(answers), allowed + sum(one.allowed for one in answers)
            if file:
                say(f"{done:,} asked about, {allowed:,} may be sent to")
        if allowed < done:
            raise typer.Exit(_NOT_ALLOWED)

    ask_service(url, key, ask)


def segments(*, url: Url = None, key: KeyOption = None, as_json: AsJson = False) -> None:
    """List the saved filters. `onefold find --filter '{"segment": "NAME"}'` finds the customers of one."""

    def ask(client: "ReadClient") -> None:
        from rich.console import Console

        from services.query.showing import show_segments
        from services.runtime.terminal import say

        page = client.segments(None)
        found = list(page.segments)
        while page.next:
            page = client.segments(page.next)
            found += page.segments
        if as_json:
            typer.echo("\n".join(one.model_dump_json() for one in found))
        elif found:
            show_segments(Console(), found)
        else:
            say("There are no segments.")

    ask_service(url, key, ask)


def _lines(file: str) -> Iterator[str]:
    try:
        with Path(file).open(encoding="utf-8-sig") if file != "-" else sys.stdin as lines:
            yield from (name for line in lines if (name := line.strip()))
    except OSError as error:
        raise typer.BadParameter(f"{file} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{file} can't be read: it is not UTF-8") from None
