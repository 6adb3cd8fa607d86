"""Verifying, put together: settings in, a verdict out."""

import asyncio
from collections.abc import Mapping
from functools import partial

import orjson
import sqlalchemy as sa
from rich.console import Console
from rich.progress import Progress

from projections.engine.metadata import key_of
from projections.engine.projection import ContactEvent
from projections.engine.topic_keys import contacts_key, evidence_key
from projections.identity.policies import POLICY_SET, policies_in, rules_of
from projections.identity.ports import Rules
from projections.identity.reference import decided, resolve_log
from projections.identity.resolutions import POLICIES
from projections.identity.tables import CHANGES, MEMBERS, TOLD, ChangeRow
from projections.identity.tables import READ_MODELS as IDENTITY
from projections.intrinsics.folds import rows_of as intrinsics_of
from projections.intrinsics.tables import TABLE as INTRINSICS
from projections.reference import fold_log
from projections.registry import PROJECTIONS
from schemas.changes import change_in, decode_change
from schemas.events import Event
from schemas.topics import CHANNEL_EVENTS, CUSTOMER_CHANGES, IDENTITY_EVIDENCE, Topic
from services.runtime.contact_ids import id_of
from services.runtime.decoding import KeyOf, decode_records
from services.runtime.settings import Settings
from services.verify.check_evidence import compare_evidence
from services.verify.check_outbox import History, compare_told, hear
from services.verify.check_resolution import ahead, compare_literal
from services.verify.comparing import Comparison, Rows, compare
from services.verify.log_reader import Said, Topics
from services.verify.report import show
from services.verify.snapshot import CONTACTS, Snapshot, take
from services.verify.verdict import Account, Verdict, account_of


def run(settings: Settings, *, as_json: bool) -> int:
    """Verify, and say what was found; 0 only if the tables are right."""
    console = Console(stderr=as_json)
    verdict = asyncio.run(verify(settings, console))
    if as_json:
        print(orjson.dumps(verdict.as_dict()).decode())  # noqa: T201 - the command's output
    else:
        show(console, verdict)
    return 0 if verdict.holds else 1


async def verify(settings: Settings, console: Console | None = None) -> Verdict:
    """Compare the active generation with its topics, up to its own offsets."""
    snapshot = await take(settings.database_url)
    with Progress(console=console, disable=console is None, transient=True) as progress:
        task = progress.add_task("Reading the log", total=None)
        topics = Topics(settings.kafka_servers, lambda number: progress.advance(task, number))
        return await Verifier(settings, snapshot, topics).verdict()


class Verifier:
    """Compares one snapshot with what its topics hold."""

    def __init__(self, settings: Settings, snapshot: Snapshot, topics: Topics) -> None:
        self._settings = settings
        self._snapshot = snapshot
        self._topics = topics
        self._id_of = id_of(settings.master_key)

    async def verdict(self) -> Verdict:
        """All tables, what contacts said to identity, and what identity told others."""
        log = await self._said(CHANNEL_EVENTS, contacts_key)
        evidence = await self._said(IDENTITY_EVIDENCE, evidence_key, whole=True)
        expected: dict[sa.Table, Rows] = fold_log(PROJECTIONS, log.happened)
        expected |= {INTRINSICS: dict(intrinsics_of(log.happened))}
        events = [one.event for one in evidence.happened]
        rules = self._rules({one.event.tenant for one in log.happened} | {event.tenant for event in events})
        expected |= await self._resolved(events, rules)
        heard = [*evidence.happened, *evidence.after]
        return Verdict(
            self._account(log, CHANNEL_EVENTS),
            self._account(evidence, IDENTITY_EVIDENCE),
            [
                *self._compared(expected),
                compare_evidence(log.happened, expected[INTRINSICS], heard),
                *_literally(log.happened, evidence.happened, expected, rules),
                await self._told(expected[MEMBERS]),
            ],
        )

    def _rules(self, tenants: set[str]) -> Rules:
        """The policies that are adopted by now."""
        return rules_of(self._snapshot.spaces(tenants), self._id_of, self._settings.default_region)

    async def _resolved(self, events: list[Event], rules: Rules) -> dict[sa.Table, Rows]:
        """Identity, and the policies that were set."""
        policies: Rows = {key_of(POLICIES, row): row for row in policies_in(events)}
        evidence = (event for event in events if event.type != POLICY_SET)
        return {**await resolve_log(evidence, rules), POLICIES: policies}

    async def _said(self, topic: Topic, key_of: KeyOf, *, whole: bool = False) -> Said:
        name = self._name(topic)
        decode = partial(decode_records, id_of=self._id_of, key_of=key_of)
        return await self._topics.events(name, self._snapshot.ends(name), decode, whole=whole)

    def _account(self, said: Said, topic: Topic) -> Account:
        return account_of(said, self._snapshot.counted(self._name(topic)))

    def _compared(self, expected: Mapping[sa.Table, Rows]) -> list[Comparison]:
        found = {**self._snapshot.tables, **decided(self._snapshot.identity())}
        return [compare(table, expected[table], found[table]) for table in (*CONTACTS, *IDENTITY, POLICIES)]

    async def _told(self, members: Rows) -> Comparison:
        """The topic, as far as it takes the outbox's place, and the outbox."""
        history: History = {}
        name = self._name(CUSTOMER_CHANGES)
        async for _, records in self._topics.records(name, self._snapshot.told(name)):
            hear(history, (change for record in records if (change := change_in(record.value))))
        outbox = (ChangeRow(*row).payload.encode() for row in self._snapshot.tables[CHANGES].values())
        hear(history, map(decode_change, outbox))
        return compare_told(history, members.values(), self._snapshot.tables[TOLD].values(), self._id_of)

    def _name(self, topic: Topic) -> str:
        return topic.full_name(self._settings.topic_prefix)


def _literally(
    said: list[ContactEvent], heard: list[ContactEvent], expected: Mapping[sa.Table, Rows], rules: Rules
) -> list[Comparison]:
    """Who is who by the log itself, where identity has heard of the whole of it, and of nothing else."""
    if compare_evidence(said, expected[INTRINSICS], heard).difference or ahead(said, heard):
        return []
    return [compare_literal(said, expected[MEMBERS], rules)]
