"""The addresses of the servers that `up` runs on a data directory, in a file that other commands read.

So `onefold sources add …` or `onefold verify` beside a running `up` need no settings. The file exists while `up` runs.
Only its owner can read it, because the URL of the database has a password.
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
def published_addresses(data_dir: Path, settings: Settings) -> Iterator[None]:
    """Keep the file while the block runs."""
    path = data_dir / _FILE
    values = (settings.kafka_servers, settings.database_url, settings.master_key)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(orjson.dumps(dict(zip(_ADDRESSES, values, strict=True)) | {"process": os.getpid()}))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def running_addresses(data_dir: Path) -> dict[str, str]:
    """Return the variables that point at the servers of the directory; none if `up` does not run there."""
    try:
        known = orjson.loads((data_dir / _FILE).read_bytes())
        os.kill(known["process"], 0)
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        return {}
    return {name: known[name] for name in _ADDRESSES}
