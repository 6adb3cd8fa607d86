"""``onefold worker``: the agents of all services in one process."""

import typer

from services.runtime.gc_tuning import tune_collector
from services.runtime.settings import MissingSetting, Settings


def worker() -> None:
    """Fold the log into the read models until told to stop (SIGTERM). Run as many as there are partitions."""
    from services.runtime.logs import configure_logging  # noqa: PLC0415
    from services.worker.agents.contacts import contacts  # noqa: PLC0415 - as below
    from services.worker.agents.identity import identity  # noqa: PLC0415 - as above
    from services.worker.main import run  # noqa: PLC0415 - Faust is heavy, and only a worker needs it

    settings = Settings()
    configure_logging(settings)
    tune_collector()
    try:
        raise typer.Exit(run(settings, (contacts, identity)))
    except MissingSetting as error:
        typer.secho(str(error), err=True, fg="red")
        raise typer.Exit(2) from None
