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
_SERVERS: Final = ("ONEFOLD_KAFKA", "ONEFOLD_DATABASE", "ONEFOLD_SECRET_KEY")
_MASTER_KEYS: Final = "ONEFOLD_MASTER_KEY_FILE"
_SERVICE: Final = "ONEFOLD_URL"


@contextmanager
def published_addresses(data_dir: Path, settings: Settings, url: str) -> Iterator[None]:
    """Keep the file while the block runs; ``url`` is where the HTTP service answers."""
    path = data_dir / _FILE
    values = (settings.kafka_servers, settings.database_url, settings.master_key)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        servers = dict(zip(_SERVERS, values, strict=True))
        if settings.master_key_file is not None:
            servers[_MASTER_KEYS] = str(settings.master_key_file.absolute())
        file.write(orjson.dumps(servers | {_SERVICE: url, "process": os.getpid()}))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def running_addresses(data_dir: Path) -> dict[str, str]:
    """Return the variables that point at the servers and the HTTP service of the directory.

    None if `up` does not run there, or if one of the variables has another value: given addresses are never mixed with
    those of `up`.
    """
    try:
        known = orjson.loads((data_dir / _FILE).read_bytes())
        os.kill(known["process"], 0)
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        return {}
    found = {name: known[name] for name in (*_SERVERS, _MASTER_KEYS, _SERVICE) if name in known}
    return found if all(os.environ.get(name, value) == value for name, value in found.items()) else {}
