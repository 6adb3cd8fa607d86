"""What browser tests need that is not Python: a Chromium, and the SDKs as their makers publish them."""

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

_HERE = Path(__file__).parent
_MODULES = _HERE / "node_modules"
_CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
_INSTALLS_WITHIN = 100


def chromium() -> str:
    """The path of a Chromium; skips where there is none."""
    found = next(filter(None, map(shutil.which, _CHROMIUMS)), None)
    return found or _do_without("needs Chromium, such as Debian's package chromium")


def package(name: str) -> Path:
    """The folder of an npm package at the version that package-lock.json names; skips where it can't be had."""
    wanted = json.loads((_HERE / "package-lock.json").read_text())["packages"][f"node_modules/{name}"]["version"]
    with (_HERE / "package.json").open("rb") as lock:  # several of xdist's workers may come here at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _installed(name) != wanted:
            _install()
    return _MODULES / name


def _installed(name: str) -> str | None:
    try:
        return str(json.loads((_MODULES / name / "package.json").read_text())["version"])
    except FileNotFoundError:
        return None


def _install() -> None:
    if shutil.which("npm") is None:
        _do_without("needs npm, which comes with Node.js")
    done = subprocess.run(
        ["npm", "ci", "--no-progress"],
        cwd=_HERE,
        capture_output=True,
        text=True,
        timeout=_INSTALLS_WITHIN,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode != 0:
        _do_without(f"npm could not install what package-lock.json names: {done.stderr[-500:]}")


def _do_without(reason: str) -> NoReturn:
    """Ends the test: skipped on a machine without it, failed in CI, which has to have it."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
