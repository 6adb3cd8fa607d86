"""The data directory of `up`: `.onefold` unless set otherwise.

::

    lock             held by the one `up` that works here; its text is the process id
    run/             the lease of its children (see guard.py)
    ports.json       the servers' ports, the same again next time while they are free
    secret.key       the master key; without it ids can't be derived and stored secrets can't be read
    master.keys      the master keys of personal data in the log; without them what was sealed can't be read
    demo.key         the API key of the tenant `demo`
    running.json     where the servers are, while they run (see addresses.py)
    kafka/           the log: the source of truth
    postgres/        read models and control tables
    logs/            one file a process, and the one of the run before as `.1`

Each folder is open to its owner alone: all personal data is in them.
"""

import fcntl
import os
import secrets
from pathlib import Path

from services.embedded.errors import AlreadyRunning, CannotStart
from services.embedded.process import Lease, await_childless, private_folder
from services.vault.master_keys import new_master_key

_LAST_RUN_ENDS_WITHIN = 60.0
_MASTER_KEYS = "master.keys"


class DataDir:
    """The directory, locked by this process until `close()`. Raises `AlreadyRunning` if another process has it."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        try:
            # As root, PostgreSQL's own user has to get through to its data.
            self.path.mkdir(mode=0o700 if os.geteuid() else 0o711, parents=True, exist_ok=True)
            self._lock = (self.path / "lock").open("a+")
        except OSError as error:
            raise CannotStart(f"{self.path} can't be used as the data directory: {error.strerror}.") from error
        self._take_lock()
        if not await_childless(self.path / "run", _LAST_RUN_ENDS_WITHIN):
            raise AlreadyRunning(f"Processes of the last run on {self.path} have not ended yet; try again later.")
        self.lease = Lease(private_folder(self.path / "run"))
        private_folder(self.logs)

    def _take_lock(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.seek(0)
            who = self._lock.read().strip() or "unknown"
            self._lock.close()
            raise AlreadyRunning(
                f"Onefold already runs on {self.path} (process {who}). "
                "Use that one, stop it first, or choose another directory with ONEFOLD_DATA_DIR."
            ) from None
        self._lock.truncate(0)
        self._lock.write(f"{os.getpid()}\n")
        self._lock.flush()

    @property
    def logs(self) -> Path:
        """The folder of the child processes' logs."""
        return self.path / "logs"

    def close(self) -> None:
        """Unlock the directory. Guards end the children that still run."""
        self.lease.release()
        self._lock.close()

    def master_key(self) -> str:
        """Return the master key, which the first start makes. Raises `CannotStart` if it was lost."""
        kept = self.kept_secret("secret.key")
        if kept is None and any((self.path / data).exists() for data in ("kafka", "fallback", "postgres")):
            raise CannotStart(
                f"{self.path / 'secret.key'} is missing, though there are data made with it: another key would give "
                "everybody another id. Put it back, set ONEFOLD_SECRET_KEY to it, or move the whole directory away."
            )
        return kept or self.keep_secret("secret.key", secrets.token_urlsafe(32))

    def master_keys(self) -> Path:
        """Return the file of the master keys of personal data, which the first start makes."""
        if self.kept_secret(_MASTER_KEYS) is None:
            self.keep_secret(_MASTER_KEYS, new_master_key())
        return self.path / _MASTER_KEYS

    def kept_secret(self, name: str) -> str | None:
        """Return a secret that was kept, or `None`."""
        file = self.path / name
        return file.read_text().strip() if file.exists() else None

    def keep_secret(self, name: str, value: str) -> str:
        """Write the secret to disk, readable by the owner only, and return it."""
        file = self.path / name
        half = file.with_name(f"{name}.new")
        half.unlink(missing_ok=True)
        with os.fdopen(os.open(half, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as new:
            new.write(value + "\n")
            new.flush()
            os.fsync(new.fileno())
        half.rename(file)
        return value
