"""``onefold deletions``: requests to have a person's data deleted, and closing them."""

from typing import TYPE_CHECKING, Annotated

import typer

from services.runtime.settings import Settings
from services.runtime.terminal import TenantOption, fail, on_database, say, setting, show, when

if TYPE_CHECKING:  # heavy
    from sqlalchemy.ext.asyncio import AsyncEngine

    from services.control.deletions import Deletion

deletions = typer.Typer(help="Requests to have a person's data deleted.", no_args_is_help=True)

CodeArgument = Annotated[str, typer.Argument(help="The request's confirmation code.")]


@deletions.command("list")
def list_deletions(
    *, tenant: TenantOption = None, every: Annotated[bool, typer.Option("--all", help="The closed ones, too.")] = False
) -> None:
    """List the open requests, oldest first. `onefold deletions show CODE` tells whom one is about."""
    from services.control import deletions as service

    found = on_database(Settings(), lambda engine: service.list_deletions(engine, tenant, closed=every))
    show(
        ("code", "tenant", "source", "state", "requested", "closed"),
        ((d.code, d.tenant, d.source, d.state, when(d.requested_at), when(d.closed_at)) for d in found),
        empty="There is no request." if every else "No request is open; `--all` lists the closed ones, too.",
    )


@deletions.command("show")
def show_deletion(code: CodeArgument) -> None:
    """Show a request, and the id by which Meta's app knows the person."""
    from services.control import deletions as service
    from services.control.erasures import has_erasure
    from services.control.errors import UnknownDeletion

    settings = Settings()
    master = setting(lambda: settings.master_key)

    async def find(engine: "AsyncEngine") -> "tuple[Deletion, str | None, bool]":
        deletion = await service.find_deletion(engine, code)
        if deletion is None:
            raise UnknownDeletion("there is no such request; see `onefold deletions list --all`")
        return deletion, service.opened_subject(master, deletion), await has_erasure(engine, code)

    deletion, subject, erasing = on_database(settings, find)
    facts = {
        "tenant": deletion.tenant,
        "source": deletion.source,
        "app-scoped id": subject or "(forgotten, since the request is closed)",
        "state": deletion.state,
        "reason": deletion.reason or "",
        "requested": when(deletion.requested_at),
        "closed": when(deletion.closed_at),
    }
    show(("request", deletion.code), facts.items())
    if erasing and deletion.closed_at is None:
        say("An erasure that answers it has begun, and closes it: onefold erasures list")
    elif deletion.closed_at is None:
        say(
            "Find the person, and erase the data, which closes the request; or say why not:\n"
            f"onefold erase CUSTOMER --request {code}\nonefold deletions refuse {code} --reason …\n"
            f"If there are no data of the person: onefold deletions done {code}"
        )


@deletions.command("done")
def close_deletion(code: CodeArgument) -> None:
    """Say on the status page that the data were deleted, and forget whom the request was about."""
    _close(code, None)


@deletions.command("refuse")
def refuse_deletion(
    code: CodeArgument, *, reason: Annotated[str, typer.Option(help="The lawful reason, as the person shall read it.")]
) -> None:
    """Say on the status page why the data were not deleted, and forget whom the request was about."""
    if not reason.strip() or "\0" in reason:
        fail("a refusal has a reason, which the person can read")
    _close(code, reason.strip())


def _close(code: str, reason: str | None) -> None:
    from services.control import deletions as service

    on_database(Settings(), lambda engine: service.close_deletion(engine, code, refused_because=reason))
    say(f"Request {code} is closed; its status page says so.")
