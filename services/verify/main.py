"""Verifies one generation: from settings to a verdict."""

import sys
from collections.abc import Collection, Mapping
from functools import partial
from uuid import UUID

import orjson
from rich.console import Console
from rich.progress import Progress

from projections.comparable import REMEMBERED
from projections.contacts.tables import TABLE as CONTACT_ROWS
from projections.customers.tables import (
    ADDRESS_CONTACTS,
    ATTRIBUTE_VALUES,
    COMPOSED_DAYS,
    CUSTOMER_CONTACTS,
    CUSTOMER_ROWS,
    CUSTOMER_TERMS,
    TAG_ENDS,
)
from projections.engine.metadata import Rows, Table, key_of
from projections.engine.projection import ERASING, ContactEvent
from projections.engine.topic_keys import contacts_key, evidence_key
from projections.erasures.folds import erased_event, unlisted
from projections.erasures.naming import NAMING, names_erased
from projections.erasures.tables import ERASED_EVENTS, NEVER, ErasureRow
from projections.erasures.tables import TABLE as ERASURES
from projections.identity.handlers import PoliciesInForce
from projections.identity.policies import policies_in, rules_of
from projections.identity.reference import determined, resolve_log
from projections.identity.tables import ERASED_STATEMENTS, MEMBERS, POLICIES
from projections.identity.tables import READ_MODELS as IDENTITY
from projections.intrinsics.folds import rows_of as intrinsics_of
from projections.intrinsics.tables import TABLE as INTRINSICS
from projections.quota.folds import added_up, counted
from projections.quota.tables import TABLE as QUOTA_DAYS
from projections.reference import fold_log
from projections.registry import PROJECTIONS
from projections.timeline.folds import distinct
from schemas.changes import change_in
from schemas.quota_changes import NO_CUSTOMER, crossing_in
from schemas.topics import CHANNEL_EVENTS, CUSTOMER_CHANGES, IDENTITY_EVIDENCE, Topic
from services.runtime import terminal
from services.runtime.contact_ids import id_of
from services.runtime.decoding import CANNOT_BE_SAVED, KeyOf, decode_records
from services.runtime.settings import Settings
from services.runtime.terminal import setting
from services.vault.records import open_log_sealing
from services.verify.check_evidence import compare_evidence, is_ahead
from services.verify.check_outbox import ChangeHistory, add_changes, compare_changes
from services.verify.check_quota import Crossings, add_crossings, compare_crossings
from services.verify.check_resolution import compare_resolution
from services.verify.comparing import TableComparison, compare, compare_named, without_unreadable
from services.verify.dead_letters import LetterFilter, RefusedRecord, each_once
from services.verify.log_reader import LogReader, TopicEvents
from services.verify.report import show
from services.verify.snapshot import CONTACTS, GenerationSnapshot, take_snapshot
from services.verify.verdict import TopicAccount, VerifyResult, account_of


def run(settings: Settings, *, as_json: bool) -> int:
    """Verify and print the verdict; returns 0 if the tables hold, else 1.

    Ends with status 78 if another version of the code made them.
    """
    console = Console(stderr=as_json)
    setting(lambda: (settings.database_url, settings.kafka_servers))
    verdict = terminal.run(lambda: verify(settings, console))
    if as_json:
        sys.stdout.write(orjson.dumps(verdict.as_dict()).decode() + "\n")
    else:
        show(console, verdict)
    return 0 if verdict.holds else 1


async def verify(settings: Settings, console: Console | None = None) -> VerifyResult:
    """Compare the active generation with its topics, up to its own offsets."""
    snapshot = await take_snapshot(settings.database_url, settings.default_region)
    with Progress(console=console, disable=console is None, transient=True) as progress:
        task = progress.add_task("Reading the log", total=None)
        async with open_log_sealing(settings, name="onefold-verify") as sealing:
            reader = LogReader(settings.kafka_servers, lambda number: progress.advance(task, number), sealing)
            return await Verifier(settings, snapshot, reader).verdict()


class Verifier:
    """Compares one snapshot of the tables with their topics."""

    def __init__(self, settings: Settings, snapshot: GenerationSnapshot, reader: LogReader) -> None:
        self._settings = settings
        self._snapshot = snapshot
        self._reader = reader
        self._id_of = id_of(settings.master_key)
        self._set_aside: list[RefusedRecord] = []

    async def verdict(self) -> VerifyResult:
        """All tables, the evidence topic, the membership by the log, and the customer changes."""
        generation = self._snapshot.generation.name
        letters = await each_once(self._settings, LetterFilter(CANNOT_BE_SAVED))
        self._set_aside = [one for one in letters if one.refused_in(generation)]
        log = await self._read(CHANNEL_EVENTS, contacts_key)
        evidence = await self._read(IDENTITY_EVIDENCE, evidence_key, whole=True)
        logged = self._not_erased(log, ERASED_EVENTS)
        expected: dict[Table, Rows] = fold_log(PROJECTIONS, logged)
        counting = [one for _, one in distinct(unlisted(logged)).values()]
        expected |= {INTRINSICS: dict(intrinsics_of(counting, expected[ERASURES]))}
        events = [one.event for one in self._not_erased(evidence, ERASED_STATEMENTS)]
        policies = self._policies({one.event.tenant for one in log.events} | {event.tenant for event in events})
        expected[POLICIES] = {key_of(POLICIES, row): row for row in policies_in(events)}
        expected |= determined(resolve_log(events, policies, self._id_of))
        customers = self._snapshot.customers
        return VerifyResult(
            self._account_of(log, CHANNEL_EVENTS),
            self._account_of(evidence, IDENTITY_EVIDENCE),
            [
                *self._compared(expected, unreadable=bool(log.erased or evidence.erased)),
                compare(CUSTOMER_ROWS, customers.expected, customers.found),
                compare(CUSTOMER_CONTACTS, customers.expected_contacts, customers.found_contacts),
                compare(CUSTOMER_TERMS, customers.expected_counts, customers.found_counts),
                compare(ADDRESS_CONTACTS, customers.expected_addresses, customers.found_addresses),
                compare(COMPOSED_DAYS, customers.expected_days, customers.found_days),
                compare(ATTRIBUTE_VALUES, customers.expected_values, customers.found_values),
                compare(TAG_ENDS, customers.expected_ends, customers.found_ends),
                compare(QUOTA_DAYS, counted(expected[CONTACT_ROWS]), added_up(self._snapshot.tables[QUOTA_DAYS])),
                compare_evidence(
                    counting, expected[INTRINSICS], [*evidence.events, *evidence.after, *evidence.set_aside]
                ),
                *self._by_full_resolution(logged, counting, evidence.events, expected, policies),
                *await self._compare_changes(expected[MEMBERS]),
            ],
        )

    def _policies(self, tenants: set[str]) -> PoliciesInForce:
        """The policies of the active resolutions of these tenants."""
        return rules_of(self._snapshot.resolutions(tenants), self._settings.default_region)

    async def _read(self, topic: Topic, key_of: KeyOf, *, whole: bool = False) -> TopicEvents:
        name = self._name(topic)
        decode = partial(decode_records, id_of=self._id_of, key_of=key_of)
        aside = {(one.place.partition, one.place.offset) for one in self._set_aside if one.place.topic == name}
        return await self._reader.events(name, self._snapshot.ends(name), decode, whole=whole, set_aside=aside)

    def _not_erased(self, read: TopicEvents, hashes: Table) -> list[ContactEvent]:
        """The events without later copies of erased ones, where the log can't tell these any more: the tables know."""
        known = self._snapshot.tables[hashes] if read.erased else {}
        if not known:
            return list(read.events)
        return [one for one in read.events if one.event.type in ERASING or tuple(erased_event(one)) not in known]

    def _account_of(self, events: TopicEvents, topic: Topic) -> TopicAccount:
        return account_of(events, self._snapshot.counted(self._name(topic)))

    def _compared(self, expected: Mapping[Table, Rows], *, unreadable: bool) -> list[TableComparison]:
        """``unreadable`` is whether there are records that can't be read any more.

        Which erased events a generation's own evidence names depends on its chunks, and it has those of others, too.
        """
        found = {**self._snapshot.tables, **determined(self._snapshot.identity())}
        erased = {table: expected[ERASURES] for table in REMEMBERED if unreadable or table is ERASED_STATEMENTS}
        named = self._naming_erased(found, expected[ERASURES]) if unreadable else set()
        return [
            compare_named(
                table,
                expected[table],
                without_unreadable(table, expected[table], found[table], erased.get(table, {})),
                named,
            )
            for table in (*CONTACTS, *IDENTITY, POLICIES)
        ]

    def _naming_erased(self, found: Mapping[Table, Rows], erasures: Rows) -> set[UUID]:
        """The contacts that have rows of events which name another contact that was erased."""
        return {
            row[1]
            for table, rows in found.items()
            if str(table.name) in NAMING
            for row in rows.values()
            if names_erased(row[1], row, partial(self._is_erased, erasures, row[0]), partial(self._id_of, row[0]))
        }

    @staticmethod
    def _is_erased(erasures: Rows, tenant: str, contact: UUID) -> bool:
        row = erasures.get((tenant, contact))
        return row is not None and ErasureRow(*row).stamp != NEVER

    async def _compare_changes(self, members: Rows) -> list[TableComparison]:
        """Compares members and levels of quotas with the topic, up to the noted offsets, followed by the outbox."""
        history: ChangeHistory = {}
        crossings: Crossings = {}

        def add(values: Collection[bytes | None]) -> None:
            add_changes(history, (change for value in values if (change := change_in(value))))
            add_crossings(crossings, (crossing for value in values if (crossing := crossing_in(value))))

        name = self._name(CUSTOMER_CHANGES)
        async for values in self._reader.values(name, self._snapshot.relayed(name)):
            add(values)
        add([row.payload.encode() for row in self._snapshot.outbox])
        sequences = [one for one in self._snapshot.sequences if one.customer_id != NO_CUSTOMER]
        return [
            compare_changes(history, members.values(), sequences, self._id_of),
            compare_crossings(crossings, self._snapshot.levels),
        ]

    def _name(self, topic: Topic) -> str:
        return self._snapshot.generation.topic_name(topic, self._settings.topic_prefix)

    def _by_full_resolution(
        self,
        log: list[ContactEvent],
        counting: list[ContactEvent],
        evidence: list[ContactEvent],
        expected: Mapping[Table, Rows],
        policies: PoliciesInForce,
    ) -> list[TableComparison]:
        """The comparison with a full resolution, if the identity agent has read exactly the log's evidence."""
        if compare_evidence(counting, expected[INTRINSICS], evidence).difference or is_ahead(log, evidence):
            return []
        return [compare_resolution((one.event for one in counting), expected, policies, self._id_of)]
