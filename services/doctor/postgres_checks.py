"""Checks of PostgreSQL: the server, the control tables, the generations and the sources."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Final

from projections.engine.connection import Connection
from projections.engine.generation_records import ACTIVE, GenerationRecord
from projections.engine.generations import all_generations
from projections.engine.offsets import all_offsets
from projections.migrations.upgrade import newest_version
from projections.registry import SCHEMA
from services.control.sources import Source, list_sources
from services.doctor import queries
from services.doctor.finding import Area, CheckResult
from services.runtime.database import Engine
from services.runtime.http import NotReady
from services.runtime.secrets import WrongMasterKey, open_sealed
from services.runtime.settings import Settings
from services.vault.key_check import MasterKeyCheck

SERVER: Final = Area("PostgreSQL")
TABLES: Final = Area("tables")
_LEAST_VERSION: Final = 160_000
_MOST_SKEW: Final = 2.0  # seconds
_LONG: Final = 3600.0
_SIGNED: Final = ("line", "facebook", "instagram", "whatsapp", "meta")


def check_server(facts: queries.ServerFacts, asked: datetime, answered: datetime) -> Iterator[CheckResult]:
    """The server and its settings. ``asked`` and ``answered`` are this machine's times around the question."""
    if facts.version < _LEAST_VERSION:
        yield SERVER.failed("version", facts.version_text, "Onefold needs PostgreSQL 16 or later: upgrade it")
    else:
        yield SERVER.ok("version", facts.version_text)
    if facts.encoding != "UTF8":
        advice = "names and messages are in every script: make the database again with ENCODING 'UTF8'"
        yield SERVER.failed("encoding", facts.encoding, advice)
    else:
        yield SERVER.ok("encoding", facts.encoding)
    if facts.collation_changed:
        advice = "the system's sort order changed: REINDEX DATABASE, then ALTER DATABASE … REFRESH COLLATION VERSION"
        yield SERVER.warning("collation", "made with another version of the system's collation", advice)
    if not facts.may_create:
        advice = "generations are schemas: GRANT CREATE ON DATABASE … to the user of ONEFOLD_DATABASE"
        yield SERVER.failed("permissions", "the user may not make schemas", advice)
    else:
        yield SERVER.ok("permissions", "the user may make schemas")
    unsafe = [name for name in ("fsync", "full_page_writes", "synchronous_commit") if getattr(facts, name) == "off"]
    if unsafe:
        advice = "a crash can lose or damage rows: set it to on, and fold the tables anew if it has crashed so"
        yield SERVER.warning("durability", f"{', '.join(unsafe)} off", advice)
    else:
        yield SERVER.ok("durability", "commits are flushed")
    used = f"{facts.connections} of {facts.most_connections}"
    if facts.connections > 0.8 * facts.most_connections:
        yield SERVER.warning("connections", used, "raise max_connections, or put fewer processes on one server")
    else:
        yield SERVER.ok("connections", used)
    if facts.oldest_transaction > _LONG:
        advice = "dead rows can't be removed meanwhile: look for it in pg_stat_activity and end it"
        yield SERVER.warning("transactions", f"one is open for {facts.oldest_transaction / 3600:.1f} hours", advice)
    yield SERVER.ok("size", f"{facts.size / 1024**3:,.2f} GiB; see that its disk has room for twice that to rebuild")
    yield _clock(facts.now, asked, answered)


def _clock(there: datetime, asked: datetime, answered: datetime) -> CheckResult:
    half = (answered - asked) / 2  # how far the time may be off that was asked for
    skew = (there - asked - half).total_seconds()
    found = f"{abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} this machine's"
    if abs(skew) - half.total_seconds() > _MOST_SKEW:
        return SERVER.warning("clock", found, "let both machines take their time from NTP")
    return SERVER.ok("clock", found)


async def check_tables(connection: Connection) -> AsyncIterator[CheckResult]:
    """The control tables, the generations and the views; the first result that failed ends it."""
    newest, applied = newest_version(), await queries.migrated_to(connection)
    if newest != applied:
        advice = "run `onefold migrate` with this version; if the tables are the newer ones, run the newer version"
        yield TABLES.failed("migrations", f"at {applied}, this version has {newest}", advice)
        return
    yield TABLES.ok("migrations", f"at {applied}")
    counted = await queries.control_facts(connection)
    if counted.tenants == 0:
        yield TABLES.warning("tenants", "none", "add one: onefold tenants add NAME")
    elif counted.keys == 0:
        yield TABLES.warning(
            "tenants", f"{counted.tenants}, and no key", "add one: onefold keys add TENANT --scope admin"
        )
    else:
        yield TABLES.ok("tenants", f"{counted.tenants}, with {counted.keys} keys")
    if counted.open_deletions:
        advice = "people wait for their data to be deleted: see `onefold deletions list`"
        yield TABLES.warning("deletion requests", f"{counted.open_deletions} are open", advice)
    generations = await all_generations(connection)
    active = next((one for one in generations if one.state == ACTIVE), None)
    yield _active(active, await queries.tables_of(connection, active.name) if active else set())
    if others := [f"{one.name} {one.shown_state}" for one in generations if one.state != ACTIVE]:
        yield TABLES.ok("other generations", ", ".join(others))
    if active is not None:
        yield _views(await queries.view_definitions(connection), active.name)


def _active(active: GenerationRecord | None, tables: set[str]) -> CheckResult:
    if active is None:
        return TABLES.failed("generation", "none is active", "run `onefold migrate`")
    if active.schema_digest != SCHEMA.digest:
        advice = "run the version that made it, or see docs/operations.md#upgrade to fold the log anew with this one"
        return TABLES.failed("generation", f"{active.name} was made by another version of Onefold", advice)
    if missing := {table.name for table in SCHEMA.tables} - tables:
        advice = "it was not restored: run `onefold migrate --fresh`, which folds the log into a new generation"
        return TABLES.failed("generation", f"{active.name} lacks {len(missing)} tables", advice)
    return TABLES.ok("generation", f"{active.name}, made by this version")


def _views(definitions: dict[str, str], generation: str) -> CheckResult:
    missing = sorted({view.name for view in SCHEMA.views} - definitions.keys())
    elsewhere = sorted(name for name, text in definitions.items() if f"{generation}." not in text)
    if wrong := [*missing, *elsewhere]:
        return TABLES.failed("views", f"{', '.join(wrong)} do not show {generation}", "run `onefold migrate`")
    return TABLES.ok("views", f"they show {generation}")


async def check_master_keys(connection: Connection, settings: Settings) -> CheckResult:
    """Whether the master keys open what the log is sealed with."""
    try:
        await MasterKeyCheck(settings.master_key_file).check(connection)
    except NotReady as reason:
        found, _, advice = str(reason).partition(": ")
        return TABLES.failed("log keys", found, advice or "restore the file: without it what was sealed can't be read")
    return TABLES.ok("log keys", "the master keys open them" if settings.master_key_file else "there are none")


async def check_sources(engine: Engine, settings: Settings) -> list[CheckResult]:
    """Whether each source has secrets, and whether the secret key opens them."""
    sources = [one for one in await list_sources(engine) if one.disabled_at is None]
    without = [one.source for one in sources if one.channel in _SIGNED and not one.sealed_secrets]
    found = []
    if without:
        advice = "every webhook of theirs is refused: onefold sources rotate NAME --secret-env VAR"
        found.append(TABLES.failed("sources", f"{', '.join(without)} have no secret", advice))
    closed = [one.source for one in sources if settings.secret_key and not _opens(one, settings.master_key)]
    if closed:
        advice = "put the key back that they were added with: everybody's id derives from it too"
        found.append(TABLES.failed("secret key", f"it does not open the secrets of {', '.join(closed)}", advice))
    return found or [TABLES.ok("sources", f"{len(sources)}, and the secret key opens their secrets")]


def _opens(source: Source, master: str) -> bool:
    try:
        for sealed in source.sealed_secrets:
            open_sealed(master, sealed)
    except WrongMasterKey:
        return False
    return True


async def folded_offsets(connection: Connection) -> dict[tuple[str, int], int]:
    """Up to which offset each partition is folded into the connection's generation."""
    return {(row["topic"], row["partition"]): row["next_offset"] for row in await all_offsets(connection)}
