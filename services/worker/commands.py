"""``onefold worker``: all agents in one process."""

from typing import Final

import typer

from services.runtime.gc_tuning import tune_gc
from services.runtime.settings import MissingSetting, Settings

_STOP_WITHIN: Final = 20.0  # seconds: twice what chunks under way, and Faust, are given
_EXIT_WITHIN: Final = 3.0  # seconds, once everything has ended


def worker() -> None:
    """Fold the log into the read models until told to stop (SIGTERM). Run as many as there are partitions."""
    from services.runtime.logs import configure_logging
    from services.worker.agents.contacts import contacts
    from services.worker.agents.identity import identity
    from services.worker.exit_guard import exit_within
    from services.worker.main import run

    settings = Settings()
    configure_logging(settings)
    tune_gc()
    try:
        status = run(settings, (contacts, identity), on_stop=lambda: exit_within(_STOP_WITHIN, 0))
        exit_within(_EXIT_WITHIN, status)
        raise typer.Exit(status)
    except MissingSetting as error:
        typer.secho(str(error), err=True, fg="red")
        raise typer.Exit(2) from None
