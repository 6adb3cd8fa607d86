"""What tests need that is not Python: a Chromium, and stock SDKs of npm and Maven as their makers publish them."""

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Literal, NoReturn

import pytest

_HERE = Path(__file__).parent
_MODULES = _HERE / "node_modules"
# The first draws no window, and so takes half of the processor time of the others.
_CHROMIUMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
_JAVA = _HERE / "stock_java"
_INSTALLS_WITHIN = 300
_SENDS_WITHIN = 200


def chromium() -> str:
    """The path of a Chromium; skips where there is none."""
    found = next(filter(None, map(shutil.which, _CHROMIUMS)), None)
    return found or _do_without("needs Chromium, such as Debian's package chromium-headless-shell")


def package(name: str) -> Path:
    """The folder of an npm package at the version that package-lock.json names; skips where it can't be had."""
    wanted = json.loads((_HERE / "package-lock.json").read_text())["packages"][f"node_modules/{name}"]["version"]
    with (_HERE / "package.json").open("rb") as lock:  # several of xdist's workers may come here at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _installed(name) != wanted:
            _install()
    return _MODULES / name


def say_by_node(sdk: Literal["rudderstack", "segment"], address: str, write_key: str, *calls: Literal["rest"]) -> None:
    """Have a stock SDK for Node.js send what stock_node.js says; skips where it can't be had.

    It makes its first two calls, or with ``rest`` the others that it has.
    """
    package({"rudderstack": "@rudderstack/rudder-sdk-node", "segment": "@segment/analytics-node"}[sdk])
    _run(["node", str(_HERE / "stock_node.js"), sdk, address, write_key, *calls], _HERE, _SENDS_WITHIN)


def say_by_java(address: str, write_key: str) -> None:
    """Have Segment's SDK for Java send what Say.java says; skips where it can't be had."""
    if shutil.which("mvn") is None or shutil.which("java") is None:
        _do_without("needs Maven and Java, such as Debian's package maven")
    pom, libraries = _JAVA / "pom.xml", _JAVA / "lib"
    with pom.open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not libraries.exists() or libraries.stat().st_mtime < pom.stat().st_mtime:
            resolve = ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib"]
            _run(resolve, _JAVA, _INSTALLS_WITHIN)
            libraries.touch()
    _run(["java", "-Dfile.encoding=UTF-8", "-cp", "lib/*", "Say.java", address, write_key], _JAVA, _SENDS_WITHIN)


def _run(command: list[str], folder: Path, within: int) -> None:
    """Run a command; fails the test with what it printed if it fails."""
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=within, stdin=subprocess.DEVNULL, check=False
    )
    if done.returncode != 0:
        pytest.fail(f"{command[0]} failed: {done.stdout[-500:]}{done.stderr[-1000:]}")


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
