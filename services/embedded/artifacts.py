"""Apache Kafka's jars, from Maven Central, fetched once and cached.

`mvn` is tried first where it is installed, because it knows a company's mirrors; without it, or when it fails, jgo's
resolver in pure Python fetches the same files. The jars appear in the cache in one rename, so an interrupted download
is begun again and never used.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from services.embedded.errors import NoKafka

KAFKA_VERSION = "4.3.1"
_COORDINATES = (f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}", "org.slf4j:slf4j-simple:1.7.36")
_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_BRIEF = 100
_RUNTIME_SCOPES = (None, "compile", "runtime")


def cache_dir() -> Path:
    """The folder where downloads are kept between runs and projects."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "onefold"


def kafka_jars(console: Console) -> Path:
    """Return the folder of Kafka's jars; they are downloaded first, with progress on the console, if need be.

    Raises `NoKafka`.
    """
    jars = cache_dir() / f"kafka-{KAFKA_VERSION}"
    if not jars.exists():
        jars.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="kafka-", dir=jars.parent) as aside:
            _download(Path(aside), console)
            publish(Path(aside, "jars"), jars)
    return jars


def publish(half: Path, place: Path) -> None:
    """Move a complete download to its place in one step, unless another process was first."""
    try:
        half.rename(place)
    except OSError:
        if not place.exists():  # else another process was first; its files are as good
            raise


def _download(aside: Path, console: Console) -> None:
    reasons: list[str] = []
    for way in (_through_mvn, _through_jgo):
        target = aside / "jars"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        try:
            way(aside, target, console)
        except Exception as error:  # noqa: BLE001 - after any failure the next way is tried; all failures are reported
            reasons.append(f"{way.__name__.rpartition('_')[2]}: {_briefly(error)}")
        else:
            return
    raise NoKafka(f"Apache Kafka {KAFKA_VERSION} can't be had here ({'; '.join(reasons)}).")


def _briefly(error: Exception) -> str:
    """One line: a network library's message about a refused connection fills a page, its type says enough."""
    text = str(error).removeprefix("[ERROR] ")
    return text if len(text) <= _BRIEF else type(error).__name__


def _through_mvn(aside: Path, target: Path, console: Console) -> None:
    mvn = shutil.which("mvn")
    if mvn is None:
        raise FileNotFoundError("not installed")
    (aside / "pom.xml").write_text(pom())
    command = (mvn, "-B", "-C", "-f", str(aside / "pom.xml"), _PLUGIN)
    flags = ("-DincludeScope=runtime", f"-DoutputDirectory={target}")
    doing = f"Downloading Apache Kafka {KAFKA_VERSION}"
    with (
        console.status(f"{doing} …") as status,
        subprocess.Popen([*command, *flags], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run,
    ):
        lines: list[str] = []
        try:
            for line in run.stdout or ():
                lines.append(re.sub(r"\x1b\[[0-9;]*m", "", line).strip())
                status.update(f"{doing}: {sum('Downloaded from' in one for one in lines)} files …")
        except BaseException:
            run.kill()  # else leaving the block would wait for the download
            raise
    if run.returncode != 0:
        raise RuntimeError(next((line for line in lines if "ERROR" in line), "failed without a message"))


def pom() -> str:
    """Return a project file with Kafka as its only dependency."""
    dependencies = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version></dependency>"
        for group, name, version in (coordinate.split(":") for coordinate in _COORDINATES)
    )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>onefold.local</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>"
        f"<dependencies>{dependencies}</dependencies></project>\n"
    )


def _through_jgo(aside: Path, target: Path, console: Console) -> None:
    from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415 - slow to import, and rarely needed

    with Progress(TextColumn("{task.description}"), BarColumn(), DownloadColumn(), console=console) as progress:
        # A repository of its own: jgo also trusts files that an interrupted run left incomplete.
        resolver = PythonResolver(progress_callback=_reporter(progress))
        context = MavenContext(repo_cache=aside / "repository", resolver=resolver)
        asked = [context.create_dependency(coordinate) for coordinate in _COORDINATES]
        for dependency in (found for part in resolver.resolve(asked) for found in part):
            if dependency.scope in _RUNTIME_SCOPES:
                shutil.copy2(dependency.artifact.resolve(), target)


def _reporter(progress: Progress) -> Callable[[str, int], AbstractContextManager[Callable[[int], None]]]:
    @contextmanager
    def report(name: str, size: int) -> Iterator[Callable[[int], None]]:
        task = progress.add_task(name, total=size)
        yield lambda count: progress.advance(task, count)
        progress.remove_task(task)

    return report
