"""``onefold worker``: all agents in one process."""

from typing import Annotated, Final

import typer

from services.runtime.gc_tuning import tune_gc
from services.runtime.settings import MissingSetting, Settings

_STOP_WITHIN: Final = 20.0  # seconds: twice what chunks under way, and Faust, are given
# More than chunks at work have: to look at these takes 8 % of the time, and finds nothing. Between chunks the newest
# objects are collected (`services.worker.background.upkeep`), since Faust and asyncio leave cycles, some 50 a chunk.
_YOUNG_OBJECTS: Final = 1_000_000
_EXIT_WITHIN: Final = 3.0  # seconds, once everything has ended


def worker(
    *,
    generation: Annotated[
        str | None, typer.Option(metavar="NAME", help="Feed this generation only; see `onefold generations list`.")
    ] = None,
    beside: Annotated[int | None, typer.Option(hidden=True, help="The id of the process that started it.")] = None,
    health_fd: Annotated[int | None, typer.Option(hidden=True, help="A listening socket for the health page.")] = None,
) -> None:
    """Fold the log into the read models until told to stop (SIGTERM). Run as many as there are partitions.

    It feeds the active generation. Each other one that is on standby, or was loaded by a rebuild, has a child process.
    """
    from services.runtime.logs import configure_logging
    from services.worker.agents.contacts import contacts
    from services.worker.agents.identity import identity
    from services.worker.background.generations import WorkerRole
    from services.worker.exit_guard import exit_within
    from services.worker.main import run

    settings = Settings()
    configure_logging(settings)
    role = WorkerRole(generation, beside, health_fd)
    tune_gc(_YOUNG_OBJECTS)
    try:
        status = run(settings, (contacts, identity), role, on_stop=lambda: exit_within(_STOP_WITHIN, 0))
        exit_within(_EXIT_WITHIN, status)
        raise typer.Exit(status)
    except MissingSetting as error:
        typer.secho(str(error), err=True, fg="red")
        raise typer.Exit(2) from None
