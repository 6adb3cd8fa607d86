"""Where the service runs that `up` started on a data directory, so that other commands find it by themselves.

`onefold sources add …` or `onefold verify` beside a running `up` then need no settings. The file is readable for its
owner alone, since a database's URL has a password, and it is there only while that `up` is.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import orjson

from services.runtime.settings import Settings

_FILE: Final = "running.json"
_ADDRESSES: Final = ("ONEFOLD_KAFKA", "ONEFOLD_DATABASE", "ONEFOLD_SECRET_KEY")


@contextmanager
def announced(data_dir: Path, settings: Settings) -> Iterator[None]:
    """Says where the service is for as long as the block lasts."""
    path = data_dir / _FILE
    values = (settings.kafka_servers, settings.database_url, settings.master_key)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(orjson.dumps(dict(zip(_ADDRESSES, values, strict=True)) | {"process": os.getpid()}))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def addresses(data_dir: Path) -> dict[str, str]:
    """The variables that point at the service running on the directory; none if none does."""
    try:
        said = orjson.loads((data_dir / _FILE).read_bytes())
        os.kill(said["process"], 0)
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        return {}
    return {name: said[name] for name in _ADDRESSES}
