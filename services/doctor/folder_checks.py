"""Checks of the data folder of `onefold up`, where there is one."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from services.doctor.finding import Area, CheckResult

AREA: Final = Area("data folder")
_SECRETS: Final = ("secret.key", "master.keys", "demo.key", "running.json", "postgres.password")
_LEAST_FREE: Final = 0.1  # of the disk
_LEAST_FREE_BYTES: Final = 2 * 1024**3


def check_folder(folder: Path) -> Iterator[CheckResult]:
    """Whether only its owner can read it, and whether its disk has room. Nothing where there is no folder."""
    try:
        if folder.is_dir():
            yield _room(folder)
            yield _access(folder)
    except PermissionError:
        yield AREA.unknown("access", f"this user may not read {folder}", "run the doctor as the user that owns it")


def _access(folder: Path) -> CheckResult:
    # As root, PostgreSQL's own user has to get through the folder itself to its data.
    allowed = 0o711 if os.geteuid() == 0 else 0o700
    open_places = [str(folder)] if _mode(folder) & ~allowed else []
    open_places += [str(path) for name in _SECRETS if (path := folder / name).exists() and _mode(path) & 0o077]
    open_places += [str(path) for path in sorted(folder.iterdir()) if path.is_dir() and _mode(path) & 0o066]
    if open_places:
        advice = f"all personal data is there: chmod go-rwx {' '.join(open_places)}"
        return AREA.failed("access", f"others can read {', '.join(open_places)}", advice)
    return AREA.ok("access", f"only its owner can read {folder}")


def _room(folder: Path) -> CheckResult:
    disk = shutil.disk_usage(folder)
    found = f"{disk.free / 1024**3:,.1f} of {disk.total / 1024**3:,.1f} GiB are free"
    if disk.free < max(_LEAST_FREE_BYTES, _LEAST_FREE * disk.total):
        return AREA.warning(
            "disk", found, "Kafka keeps events for ever: make room, or move the folder to a larger disk"
        )
    return AREA.ok("disk", found)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
