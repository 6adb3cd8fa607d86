"""``onefold deletions``: what people asked to have deleted, and saying what became of it."""

from typing import Annotated, Any

import typer

from services.runtime.settings import Settings
from services.runtime.terminal import TenantOption, fail, on_database, say, setting, show, when

deletions = typer.Typer(help="Requests to have a person's data deleted.", no_args_is_help=True)

CodeArgument = Annotated[str, typer.Argument(help="The request's confirmation code.")]


@deletions.command("list")
def list_deletions(
    *, tenant: TenantOption = None, every: Annotated[bool, typer.Option("--all", help="The closed ones, too.")] = False
) -> None:
    """The requests that are open, oldest first; whom they are about, `onefold deletions show` tells."""
    from services.control import deletions as requests

    found = on_database(Settings(), lambda db: requests.list_deletions(db, tenant, every=every))
    show(
        ("code", "tenant", "source", "state", "requested", "closed"),
        ((d.code, d.tenant, d.source, d.state, when(d.requested_at), when(d.closed_at)) for d in found),
    )


@deletions.command("show")
def show_deletion(code: CodeArgument) -> None:
    """A request, and the id by which Meta's app knows the person."""
    from services.control import deletions as requests

    settings = Settings()
    master = setting(lambda: settings.master_key)

    async def found(db: Any) -> tuple[requests.Deletion, str | None]:
        deletion = await requests.find_deletion(db, code)
        if deletion is None:
            raise requests.UnknownDeletion("there is no such request; see `onefold deletions list --all`")
        return deletion, requests.opened_subject(master, deletion)

    deletion, subject = on_database(settings, found)
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
    from services.control import deletions as requests

    on_database(Settings(), lambda db: requests.close_deletion(db, code, refused_because=reason))
    say(f"Request {code} is closed; its status page says so.")
