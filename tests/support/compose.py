"""The processes of `docker-compose.yml` without Docker: each with the command, environment, user and folders it gets.

What differs from containers: the processes share this machine's network, so each gets a free port in place of its own,
and the addresses of Kafka and PostgreSQL are those of the tests' servers. The folder that stands for the image's
read-only `/` can be written to by nobody. As root, a process runs as the image's user, without any capability but that
of reading what only root can (a checkout under /root), by which it can write nothing.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
_VARIABLE: Final = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
_READING: Final = "-all,+dac_read_search"
_ONEFOLD: Final = (sys.executable, "-c", "from services.cli import app; app()")


def parsed_compose(variables: Mapping[str, str]) -> dict[str, Any]:
    """The file's services, with the shell's variables put in as Compose does it. Raises KeyError for a missing one.

    A variable of a container that has no value in the file has the shell's; where the shell has none, it is not set.
    """

    def value(found: re.Match[str]) -> str:
        name, kind, text = found.groups()
        if kind == "-":
            return variables.get(name) or str(text)
        return variables[name]

    def put_in(node: Any) -> Any:
        if isinstance(node, dict):
            return {name: put_in(inner) for name, inner in node.items()}
        if isinstance(node, list):
            return [put_in(inner) for inner in node]
        return _VARIABLE.sub(value, node) if isinstance(node, str) else node

    services: dict[str, Any] = put_in(yaml.safe_load((ROOT / "docker-compose.yml").read_text()))["services"]
    for service in services.values():
        given = service.get("environment", {})
        set_here = {name: variables.get(name) if value is None else value for name, value in given.items()}
        service["environment"] = {name: value for name, value in set_here.items() if value is not None}
    return services


def image_user() -> int:
    """The user that the image runs as."""
    return int(re.findall(r"useradd .*--uid (\d+)", (ROOT / "Dockerfile").read_text())[0])


@dataclass(frozen=True)
class Machine:
    """What stands for the containers' machine: a folder for each file system, and what is where instead.

    ``places`` are texts of the file and what stands for them, such as an address.
    """

    folder: Path
    places: Mapping[str, str]

    def translated(self, text: str) -> str:
        for text_of_the_file, place in self.places.items():
            text = text.replace(text_of_the_file, place)
        return text


class Container:
    """One service of the file, as a process."""

    def __init__(self, machine: Machine, name: str, service: Mapping[str, Any]) -> None:
        assert service["read_only"] is True
        assert service["tmpfs"] == ["/tmp"]
        self.name = name
        self._service = service
        self._machine = machine
        self._home = machine.folder / name
        self._root, self._tmp = self._home / "root", self._home / "tmp"
        self._root.mkdir(mode=0o555, parents=True)
        self._tmp.mkdir()
        self._tmp.chmod(0o1777)
        self.log = self._home / "log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The image's variables and the file's, and nothing of this shell."""
        given = {
            name: self._machine.translated(str(value).lower() if isinstance(value, bool) else str(value))
            for name, value in self._service["environment"].items()
        }
        here = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "PYTHONUNBUFFERED": "1", "HOME": "/nonexistent"}
        return here | {"TMPDIR": str(self._tmp), "PYTHONDONTWRITEBYTECODE": "1"} | given

    def start(self) -> None:
        """Start the service's command."""
        command = (*_as_the_image_s_user(), *_ONEFOLD, *self._service["command"])
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(command, cwd=self._root, env=self.environment, stdout=log, stderr=log)

    def exec(self, *command: str) -> str:
        """The standard output of a command in the container, as `docker compose exec` runs it; it has to succeed."""
        done = self._run(*_ONEFOLD, *command)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def is_healthy(self) -> bool:
        """What the file's health check says."""
        kind, *test = self._service["healthcheck"]["test"]
        assert kind == "CMD"
        return self._run(*(self._machine.translated(word) for word in test)).returncode == 0

    @property
    def status(self) -> int | None:
        """The exit status; None while it runs."""
        return None if self._process is None else self._process.poll()

    def wait(self, within: float) -> int:
        """The exit status of a command that ends by itself."""
        assert self._process is not None
        return self._process.wait(within)

    def stop(self) -> int:
        """Stop it as Compose does; the exit status."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self._process.wait(120)

    def written(self) -> list[Path]:
        """What it wrote outside of its tmpfs."""
        return list(self._root.iterdir())

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            (*_as_the_image_s_user(), *command),
            cwd=self._root,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


def _as_the_image_s_user() -> tuple[str, ...]:
    """The words before a command by which root gives it the image's user; nobody else can, or need."""
    if os.geteuid() != 0:
        return ()
    user = str(image_user())
    capabilities = [f"--{which}={_READING}" for which in ("inh-caps", "ambient-caps", "bounding-set")]
    return ("setpriv", "--reuid", user, "--regid", user, "--clear-groups", *capabilities, "--no-new-privs", "--")
