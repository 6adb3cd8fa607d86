"""PostgreSQL refuses to run as root. Started by root, it runs as another user, who must be able to read its files."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from services.embedded.errors import CannotStart
from services.embedded.process import User

_UNPRIVILEGED = ("postgres", "nobody")
_OUTSIDE = Path("/var/lib/onefold")


def postgres_user(data: Path) -> User | None:
    """Return the user that PostgreSQL runs as: `None`, the current user, unless that is root.

    For root: the owner of the data if there are any, else of the folder around them (a user's checkout, under sudo),
    else the system's `postgres` or `nobody`.
    """
    if os.geteuid() != 0:
        return None
    for place in (data, data.parent):
        if place.exists() and (owner := place.stat()).st_uid != 0:
            return User(owner.st_uid, owner.st_gid)
    for name in _UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return User(entry.pw_uid, entry.pw_gid)
    raise CannotStart("PostgreSQL can't run as root, and this machine has neither a user `postgres` nor `nobody`.")


def can(user: User | None, test: str, path: Path) -> bool:
    """Whether the user passes `test` (as of test(1): `-x`, `-w`) on the path, all its parents included."""
    return run_as(user, ["/usr/bin/test", test, path], cwd=Path("/")).returncode == 0


def run_as(
    user: User | None, command: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run a short command as the user, without supplementary groups."""
    uid, gid = (user.uid, user.gid) if user else (None, None)
    groups = None if user is None else ()
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=cwd, env=env, user=uid, group=gid, extra_groups=groups
    )


def make_reachable(data: Path, user: User | None) -> Path:
    """Return a private directory for PostgreSQL's data that the user can write to: `data` itself where possible.

    In a folder that the user can't enter (such as /root) the data are kept in /var/lib/onefold and `data` is a link to
    them, because the folder must not be opened for a database.
    """
    if not data.exists():
        _make_private(data, user)
        if user is not None and not can(user, "-w", data):
            data.rmdir()
            data.symlink_to(_outside(user), target_is_directory=True)
    data = data.resolve()  # the user may be unable to read the link itself
    if not can(user, "-w", data):
        raise CannotStart(
            f"The data in {data} belong to another user than the one who starts PostgreSQL now. "
            "Start it as the user who did so first, or choose another place with ONEFOLD_DATA_DIR."
        )
    return data


def _outside(user: User) -> Path:
    """A new folder each time: data whose link was deleted must not be used again with another password."""
    _OUTSIDE.mkdir(mode=0o755, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="postgres-", dir=_OUTSIDE))
    os.chown(home, user.uid, user.gid)
    return home


def _make_private(directory: Path, user: User | None) -> None:
    directory.mkdir(mode=0o700, parents=True)
    if user is not None:
        os.chown(directory, user.uid, user.gid)


def readable_copy(folders: Sequence[Path], user: User | None, cache: Path) -> Path:
    """Return where the user can read these neighbouring folders: in place, or in a copy.

    The user can't read a virtualenv under /root, for example. The folders are copied together, because programs find
    their libraries by a relative path.
    """
    if user is None or all(can(user, "-x", folder) for folder in folders):
        return folders[0].parent
    if not cache.exists():
        cache.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        half = Path(tempfile.mkdtemp(prefix=f"{cache.name}-", dir=cache.parent))
        for folder in folders:
            shutil.copytree(folder, half / folder.name, symlinks=True)
        half.chmod(0o755)
        with contextlib.suppress(OSError):  # another process was first; its copy is as good
            half.rename(cache)
    return cache
