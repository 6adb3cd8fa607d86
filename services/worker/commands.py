"""``onefold worker``: all agents in one process."""

import typer

from services.runtime.gc_tuning import tune_gc
from services.runtime.settings import MissingSetting, Settings


def worker() -> None:
    """Fold the log into the read models until told to stop (SIGTERM). Run as many as there are partitions."""
    from services.runtime.logs import configure_logging
    from services.worker.agents.contacts import contacts
    from services.worker.agents.identity import identity
    from services.worker.main import run

    settings = Settings()
    configure_logging(settings)
    tune_gc()
    try:
        raise typer.Exit(run(settings, (contacts, identity)))
    except MissingSetting as error:
        typer.secho(str(error), err=True, fg="red")
        raise typer.Exit(2) from None
