"""``onefold erasures``: what was erased, the receipts, and going on with an erasure whose job failed."""

from typing import Annotated
from uuid import UUID

import typer

from services.runtime.settings import Settings
from services.runtime.terminal import TenantOption, on_database, say, show, when

erasures = typer.Typer(help="Erasures of people, and their receipts.", no_args_is_help=True)

ErasureArgument = Annotated[UUID, typer.Argument(metavar="ERASURE", help="The erasure's id.")]


@erasures.command("list")
def list_erasures(*, tenant: TenantOption = None) -> None:
    """List the erasures, the newest first."""
    from services.control import erasures as service

    found = on_database(Settings(), lambda engine: service.list_erasures(engine, tenant))
    show(
        ("erasure", "tenant", "contacts", "job", "requested", "finished"),
        (
            (str(e.erasure_id), e.tenant, str(e.contacts), str(e.job_id), when(e.requested_at), when(e.finished_at))
            for e in found
        ),
        empty="There is no erasure.",
    )


@erasures.command("show")
def show_erasure(erasure: ErasureArgument) -> None:
    """Show an erasure and its receipt."""
    from services.control import erasures as service

    found = on_database(Settings(), lambda engine: service.find_erasure(engine, erasure))
    facts = {
        "tenant": found.tenant,
        "contacts": str(found.contacts),
        "job": str(found.job_id),
        "requested": when(found.requested_at),
        "finished": when(found.finished_at),
        "receipt": "" if found.receipt is None else service.signed_bytes(found.receipt).decode(),
        "signature": service.signature_text(found) or "",
    }
    show(("erasure", str(erasure)), facts.items())


@erasures.command("retry")
def retry_erasure(erasure: ErasureArgument) -> None:
    """Go on with an erasure whose job has failed."""
    from services.control import erasures as service

    found = on_database(Settings(), lambda engine: service.retry_erasure(engine, erasure))
    say(f"It goes on as job {found.job_id}: onefold jobs show {found.job_id} --wait")
