"""``onefold webhooks``: where the changes of customers are sent."""

from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

import typer

from services.changes.signing import WebhookForm
from services.runtime.settings import Settings
from services.runtime.terminal import TenantOption, fail, run, say, setting, show, when

if TYPE_CHECKING:  # heavy
    from collections.abc import Awaitable, Callable

    from services.changes.endpoints import WebhookEndpoints, WithSecret

T = TypeVar("T")
webhooks = typer.Typer(help="Where the changes of customers are sent.", no_args_is_help=True)

EndpointArgument = Annotated[UUID, typer.Argument(metavar="ENDPOINT", help="The endpoint's id.")]
AfterOption = Annotated[str, typer.Option(help="`now`, `beginning`, or a cursor of `GET /v1/changes`.")]


@webhooks.command("add")
def add_endpoint(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where to send, `https://…`.")],
    *,
    tenant: Annotated[str, typer.Option(help="Whose changes.")],
    form: Annotated[WebhookForm, typer.Option(help="Headers: of Standard Webhooks, or Omnichat's.")] = "standard",
    types: Annotated[
        list[str] | None, typer.Option("--type", help="Only changes of this type; may be repeated.")
    ] = None,
    after: AfterOption = "now",
) -> None:
    """Have a tenant's changes sent to a URL, and print the secret that verifies its messages, this once."""
    from typing import get_args

    from schemas.changes import ChangeType

    known = {*get_args(ChangeType), "quota_crossed"}
    if unknown := sorted({*(types or ())} - known):
        fail(f"{unknown[0]} is no type of change; these are: {', '.join(sorted(known))}")
    made = _work(lambda endpoints: endpoints.add(tenant, url, form, types, after))
    say(f"Endpoint {made.endpoint.endpoint_id} is added. Its secret, which is not shown again:")
    typer.echo(made.secret)


@webhooks.command("list")
def list_endpoints(*, tenant: TenantOption = None) -> None:
    """List the endpoints, the oldest first."""
    found = _work(lambda endpoints: endpoints.all(tenant))
    show(
        ("endpoint", "tenant", "url", "form", "waiting", "failures", "disabled"),
        (
            (str(e.endpoint_id), e.tenant, e.url, e.form, str(e.waiting), str(e.failures), when(e.disabled_at))
            for e in found
        ),
        empty="There is no endpoint.",
    )


@webhooks.command("show")
def show_endpoint(endpoint: EndpointArgument) -> None:
    """Show an endpoint, and the latest attempts to send to it; status 1 if it is disabled."""
    found = _work(lambda endpoints: endpoints.find(None, endpoint))
    attempts = _work(lambda endpoints: endpoints.attempts(None, endpoint, 20))
    facts = {
        "tenant": found.tenant,
        "url": found.url,
        "form": found.form,
        "types": "all" if found.types is None else ", ".join(found.types),
        "waiting": str(found.waiting),
        "latest success": when(found.succeeded_at),
        "failures since": str(found.failures),
        "disabled": when(found.disabled_at),
        "why": found.disabled_because or "",
    }
    show(("endpoint", str(found.endpoint_id)), facts.items())
    if attempts:
        show(
            ("at", "type", "attempt", "result", "ms"),
            ((when(a.at), a.type, str(a.number), a.problem or str(a.status), str(a.duration)) for a in attempts),
        )
    if found.disabled_at is not None:
        raise typer.Exit(1)


@webhooks.command("rotate")
def rotate_secret(endpoint: EndpointArgument) -> None:
    """Make and print a new secret; in the standard form messages are signed with the former one, too, for a day."""
    made: WithSecret = _work(lambda endpoints: endpoints.rotate(None, endpoint))
    say(f"Messages to {endpoint} are signed with a new secret, which is not shown again:")
    typer.echo(made.secret)


@webhooks.command("enable")
def enable_endpoint(endpoint: EndpointArgument) -> None:
    """Send to a disabled endpoint again, from where it was; what waits is tried at once."""
    _work(lambda endpoints: endpoints.enable(None, endpoint))
    say(f"Endpoint {endpoint} is enabled.")


@webhooks.command("disable")
def disable_endpoint(endpoint: EndpointArgument) -> None:
    """Send nothing to an endpoint until it is enabled; nothing is lost meanwhile."""
    _work(lambda endpoints: endpoints.disable(None, endpoint))
    say(f"Endpoint {endpoint} is disabled. To go on where it was: onefold webhooks enable {endpoint}")


@webhooks.command("replay")
def replay(
    endpoint: EndpointArgument,
    *,
    after: Annotated[str | None, typer.Option(help="`beginning`, `now`, or a cursor of `GET /v1/changes`.")] = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="Such as 2026-03-01T00:00+08:00.")] = None,
) -> None:
    """Send changes again, from a cursor or a time on, and enable the endpoint."""
    from projections.engine.times import NoTime, read_time

    if (after is None) == (since is None):
        fail("give --after or --since")
    try:
        start = read_time(since) if since is not None else after or ""
    except NoTime as error:
        fail(str(error))
    _work(lambda endpoints: endpoints.replay(None, endpoint, start))
    say(f"Changes from there on are sent to {endpoint} again.")


@webhooks.command("remove")
def remove_endpoint(endpoint: EndpointArgument) -> None:
    """Remove an endpoint, and what waits for it."""
    _work(lambda endpoints: endpoints.remove(None, endpoint))
    say(f"Endpoint {endpoint} is removed.")


def _work(work: "Callable[[WebhookEndpoints], Awaitable[T]]") -> T:
    """What the work returns; what can't be done ends the command with a sentence."""
    from projections.engine.generations import active_generation
    from projections.registry import SCHEMA
    from schemas.topics import CUSTOMER_CHANGES
    from services.changes.destinations import DestinationRules, RefusedDestination
    from services.changes.endpoints import WebhookEndpoints
    from services.changes.errors import ChangesError
    from services.changes.feed import ChangeFeed
    from services.changes.log import ChangeLog
    from services.runtime.database import create_pool, open_engine
    from services.runtime.secrets import change_cursor_key
    from services.vault.records import open_log_sealing

    settings = Settings()
    database, master = setting(lambda: (settings.database_url, settings.master_key))

    async def find_topic() -> str:
        async with create_pool(database, max_size=1) as pool, pool.acquire() as connection:
            generation = await active_generation(connection, SCHEMA)
        return generation.topic_name(CUSTOMER_CHANGES, settings.topic_prefix)

    async def working() -> T:
        # Without Kafka, endpoints can be shown and changed, but none can be given another place in the log.
        opening = partial(open_log_sealing, settings, name="onefold-command")
        log = ChangeLog(settings.kafka, opening) if settings.kafka else None
        feed = ChangeFeed(find_topic, log, change_cursor_key(master)) if log else None
        async with open_engine(database, max_size=1) as engine, nullcontext() if feed is None else feed.open():
            return await work(WebhookEndpoints(engine, feed, master, DestinationRules.of(settings)))

    try:
        return run(working)
    except (RefusedDestination, ChangesError) as error:
        fail(" ".join(str(error).split()))
