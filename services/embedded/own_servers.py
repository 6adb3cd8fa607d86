"""The servers of a command: those that the settings name, or those of a data directory on which `up` does not run."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from services.embedded.datadir import DataDir
from services.embedded.servers import Servers
from services.runtime.errors import ForeseenError
from services.runtime.settings import Settings


class NoData(ForeseenError):
    """There are no data here, and no servers are named."""


@contextmanager
def servers(settings: Settings, console: Console) -> Iterator[Settings]:
    """The settings with the addresses of running servers. Raises NoData, EmbeddedError."""
    if settings.kafka and settings.database:
        yield settings
        return
    if not (settings.data_dir / "secret.key").exists():
        raise NoData(
            f"There are no data in {settings.data_dir}. Set ONEFOLD_DATA_DIR to the folder that `onefold up` uses, or "
            "ONEFOLD_KAFKA and ONEFOLD_DATABASE to the servers."
        )
    home = DataDir(settings.data_dir)
    own = Servers(settings, home, console)
    try:
        own.start()
        secret = settings.secret_key or home.master_key()
        given = {"secret_key": secret, "master_key_file": settings.master_key_file or home.master_keys()}
        yield Settings.model_validate(own.pointed_at(settings).model_dump() | given)
    finally:
        own.stop()
        home.close()
