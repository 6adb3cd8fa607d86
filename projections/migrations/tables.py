"""The control schema as it is after the newest migration; `alembic check` compares the two."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB

SCHEMA: Final = "onefold"
KEYS_SCHEMA: Final = "onefold_keys"
CHANNELS: Final = ("line", "facebook", "instagram", "whatsapp", "meta", "web", "crm")
SCOPES: Final = (
    "events:write",
    "customers:read",
    "customers:write",
    "customers:export",
    "customers:erase",
    "audit",
    "admin",
    "operator",
)
STATES: Final = ("building", "active", "standby", "retired")
DELETION_STATES: Final = ("received", "done", "refused")
WRITE_KEY_KINDS: Final = ("public", "server")
JOB_STATES: Final = ("waiting", "running", "done", "failed", "cancelled")
WEBHOOK_FORMS: Final = ("standard", "omnichat")

# Names are given, not left to the server, because errors are recognised by the constraint's name.
METADATA: Final = sa.MetaData(
    schema=SCHEMA,
    naming_convention={
        "pk": "%(table_name)s_pk",
        "fk": "%(table_name)s_%(column_0_name)s_fk",
        "ck": "%(table_name)s_%(constraint_name)s_ck",
        "uq": "%(table_name)s_%(column_0_N_name)s_uq",
        "ix": "%(table_name)s_%(column_0_N_name)s_ix",
    },
)


def _text() -> sa.Text:
    return sa.Text(collation="C")


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())


TENANTS: Final = sa.Table(
    "tenants",
    METADATA,
    sa.Column("tenant", _text(), primary_key=True),
    sa.Column("name", sa.Text(), nullable=False),
    sa.Column("default_region", _text(), nullable=False),
    _now("created_at"),
)
KEYS: Final = sa.Table(
    "keys",
    METADATA,
    sa.Column("key_hash", BYTEA(), primary_key=True),
    sa.Column("tenant", _text(), sa.ForeignKey("tenants.tenant"), nullable=False, index=True),
    sa.Column("name", sa.Text(), nullable=False),
    sa.Column("scopes", ARRAY(_text()), nullable=False),
    sa.Column("prefix", _text(), nullable=False),
    _now("created_at"),
    sa.Column("revoked_at", sa.DateTime(timezone=True)),
    sa.Column("rate", sa.Double()),  # tokens a second in one process; none: the setting's
    sa.Column("burst", sa.Double()),  # tokens of a full bucket; none: those of two seconds
    sa.Column("last_used_at", sa.DateTime(timezone=True)),  # to the minute
)
# Requests of keys. No identifiers: objects by ids that Onefold made. Entries outlive their keys, so no foreign keys.
AUDIT: Final = sa.Table(
    "audit",
    METADATA,
    sa.Column("tenant", _text(), primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True), primary_key=True),
    sa.Column("request_id", sa.Uuid(), primary_key=True),
    sa.Column("key_prefix", _text(), nullable=False),
    sa.Column("key_name", sa.Text(), nullable=False),
    sa.Column("action", _text(), nullable=False),
    sa.Column("route", sa.Text(), nullable=False),
    sa.Column("named_by", sa.Text()),
    sa.Column("object_ids", ARRAY(sa.Uuid()), nullable=False),
    sa.Column("status", sa.Integer(), nullable=False),
    sa.Index("audit_key_ix", "tenant", "key_prefix", "at"),
    sa.Index("audit_action_ix", "tenant", "action", "at"),
    sa.Index("audit_object_ids_ix", "object_ids", postgresql_using="gin"),
)
SOURCES: Final = sa.Table(
    "sources",
    METADATA,
    sa.Column("source", _text(), primary_key=True),
    sa.Column("tenant", _text(), sa.ForeignKey("tenants.tenant"), nullable=False, index=True),
    sa.Column("channel", _text(), nullable=False),
    sa.Column("account", _text()),  # none: whichever accounts the webhooks name
    sa.Column("provider", _text()),
    sa.Column("sealed_secrets", ARRAY(BYTEA()), nullable=False),
    _now("created_at"),
    sa.Column("sealed_verify_token", BYTEA()),
    sa.Column("options", JSONB(), nullable=False, server_default=sa.text("'{}'")),
    _now("changed_at"),
    sa.Column("disabled_at", sa.DateTime(timezone=True)),
)
# What came from a source in an hour that begins at ``hour``; sources come and go, so no foreign key.
SOURCE_HOURS: Final = sa.Table(
    "source_hours",
    METADATA,
    sa.Column("tenant", _text(), primary_key=True),
    sa.Column("source", _text(), primary_key=True),
    sa.Column("channel", _text(), primary_key=True),
    sa.Column("account", _text(), primary_key=True),  # empty: about the source as a whole
    sa.Column("hour", sa.DateTime(timezone=True), primary_key=True),
    sa.Column("requests", sa.BigInteger(), nullable=False),
    sa.Column("events", sa.BigInteger(), nullable=False),
    sa.Column("unproven", sa.BigInteger(), nullable=False),  # requests with a wrong signature or token
    sa.Column("refused", sa.BigInteger(), nullable=False),  # requests that were the source's, and not accepted
    sa.Column("last_at", sa.DateTime(timezone=True)),  # of what was accepted
)
# Whoever has the code may see what became of the request, also after their source was removed: no foreign key to it.
DELETION_REQUESTS: Final = sa.Table(
    "deletion_requests",
    METADATA,
    sa.Column("code", _text(), primary_key=True),
    sa.Column("tenant", _text(), sa.ForeignKey("tenants.tenant"), nullable=False, index=True),
    sa.Column("source", _text(), nullable=False),
    sa.Column("channel", _text(), nullable=False),
    sa.Column("sealed_subject", BYTEA()),  # gone as soon as the request is closed
    sa.Column("state", _text(), nullable=False, server_default=sa.text("'received'")),
    sa.Column("reason", sa.Text()),
    sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("closed_at", sa.DateTime(timezone=True)),
    sa.CheckConstraint(f"state IN {DELETION_STATES}", name="state"),
)
WRITE_KEYS: Final = sa.Table(
    "write_keys",
    METADATA,
    sa.Column("write_key_hash", BYTEA(), primary_key=True),
    sa.Column("source", _text(), sa.ForeignKey("sources.source"), nullable=False, index=True),
    sa.Column("prefix", _text(), nullable=False),
    _now("created_at"),
    sa.Column("revoked_at", sa.DateTime(timezone=True)),
    sa.Column("kind", _text(), nullable=False, server_default=sa.text("'public'")),
    sa.CheckConstraint(f"kind IN {WRITE_KEY_KINDS}", name="kind"),
)
GENERATIONS: Final = sa.Table(
    "generations",
    METADATA,
    sa.Column("name", _text(), primary_key=True),
    sa.Column("state", _text(), nullable=False),
    _now("created_at"),
    sa.Column("activated_at", sa.DateTime(timezone=True)),
    sa.Column("schema_digest", _text()),  # none: made by code that kept none
    sa.Column("topic_suffix", _text(), nullable=False, server_default=sa.text("''")),
    # Of the customer-changes topic: a generation that takes the place of another goes on with the topic of that one.
    sa.Column("changes_suffix", _text(), nullable=False, server_default=sa.text("''")),
    sa.Column("hold", JSONB()),  # {topic: {partition: offset}}: what its workers leave unread for now
    sa.Column("as_of", sa.DateTime(timezone=True)),  # events that occurred later are not folded
    sa.Column("known_at", sa.DateTime(timezone=True)),  # events that were received later are not folded
    sa.Column("caught_up_at", sa.DateTime(timezone=True)),
    sa.Column("compared_at", sa.DateTime(timezone=True)),  # with the active generation; what differed was accepted
    sa.Column("accepted", JSONB()),
    sa.Column("fold_versions", JSONB()),  # none: made by code that kept none
    sa.Column("comparison", JSONB()),  # the result of the latest one, without values
    sa.Column("topics", JSONB()),  # {topic: {topic_id, partitions}}, as its workers first saw them
    sa.Column("read_models", ARRAY(_text())),  # those that it is made of; none: all
    sa.Column("model_digests", JSONB()),  # by read model; none: made by code that kept none
    sa.Column("pace", sa.Double()),  # the share of the time that each of its workers may work; none: all of it
    sa.Column("paced_at", sa.DateTime(timezone=True)),  # by whoever rebuilds it; it holds for a minute
    sa.CheckConstraint(f"state IN {STATES}", name="state"),
    # Readers read one generation: the database itself refuses a second active one.
    sa.Index("generations_one_active_ix", "state", unique=True, postgresql_where=sa.text("state = 'active'")),
)
# The greatest number of a generation that was dropped. Names are not used again: topics of their names may be left.
GENERATION_NUMBERS: Final = sa.Sequence("generation_numbers", schema=SCHEMA, minvalue=0, start=0)
# The outbox outlives generations, because the numbers of a customer's changes go on when another one becomes active.
CHANGE_SEQUENCES: Final = sa.Table(
    "change_sequences",
    METADATA,
    sa.Column("changes_suffix", _text(), primary_key=True),
    sa.Column("tenant", _text(), primary_key=True),
    sa.Column("customer_id", sa.Uuid(), primary_key=True),
    sa.Column("seq", sa.BigInteger(), nullable=False),
    postgresql_with={"fillfactor": 70},
)
OUTBOX: Final = sa.Table(
    "outbox",
    METADATA,
    sa.Column("changes_suffix", _text(), primary_key=True),
    sa.Column("tenant", _text(), primary_key=True),
    sa.Column("customer_id", sa.Uuid(), primary_key=True),
    sa.Column("seq", sa.BigInteger(), primary_key=True),
    sa.Column("part", sa.Integer(), primary_key=True),
    sa.Column("payload", sa.Text(), nullable=False),
    sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Index("outbox_in_order", "changes_suffix", "tenant", "id"),
)
OUTBOX_POSITIONS: Final = sa.Table(
    "outbox_positions",
    METADATA,
    sa.Column("topic", _text(), primary_key=True),
    sa.Column("partition", sa.Integer(), primary_key=True),
    sa.Column("next_offset", sa.BigInteger(), nullable=False),
)
# Of each tenant the highest threshold of its quota, in percent, whose crossing was announced last; 0 for none.
QUOTA_LEVELS: Final = sa.Table(
    "quota_levels",
    METADATA,
    sa.Column("changes_suffix", _text(), primary_key=True),
    sa.Column("tenant", _text(), primary_key=True),
    sa.Column("level", sa.Integer(), nullable=False),
)
# How many customers each segment had on a day, UTC: what can't be had from the log later, so it outlives generations.
SEGMENT_SIZES: Final = sa.Table(
    "segment_sizes",
    METADATA,
    sa.Column("tenant", _text(), primary_key=True),
    sa.Column("segment", _text(), primary_key=True),
    sa.Column("day", sa.Date(), primary_key=True),
    sa.Column("customers", sa.BigInteger()),  # none: they were not counted, and problem says why
    sa.Column("problem", sa.Text()),
    sa.Column("counted_at", sa.BigInteger(), nullable=False),  # in ms since 1970
)
# Long work, such as an export. It is run by a worker, which holds it until `leased_until`.
JOBS: Final = sa.Table(
    "jobs",
    METADATA,
    sa.Column("job_id", sa.Uuid(), primary_key=True),
    sa.Column("tenant", _text(), sa.ForeignKey("tenants.tenant"), nullable=False),
    sa.Column("kind", _text(), nullable=False),
    sa.Column("parameters", JSONB(), nullable=False),
    sa.Column("state", _text(), nullable=False, server_default=sa.text("'waiting'")),
    sa.Column("done", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
    sa.Column("total", sa.BigInteger()),  # none: not known
    sa.Column("requested_by", sa.Text(), nullable=False),
    _now("requested_at"),
    sa.Column("started_at", sa.DateTime(timezone=True)),
    sa.Column("finished_at", sa.DateTime(timezone=True)),
    sa.Column("attempt", sa.Integer(), nullable=False, server_default=sa.text("0")),  # of a former one nothing is saved
    sa.Column("interruptions", sa.Integer(), nullable=False, server_default=sa.text("0")),
    sa.Column("leased_until", sa.DateTime(timezone=True)),  # of a waiting one: when it may be tried again
    sa.Column("checkpoint", JSONB()),  # where the next attempt goes on; none: it starts anew
    sa.Column("problem", JSONB()),  # why it failed
    sa.Column("result", JSONB()),  # what it found, or did
    sa.Column("undone_by", sa.Uuid()),  # the job that undoes it
    sa.Column("file_name", sa.Text()),
    sa.Column("file_type", sa.Text()),
    sa.Column("file_size", sa.BigInteger()),
    sa.Column("file_sha256", BYTEA()),
    sa.Column("file_expires_at", sa.DateTime(timezone=True)),
    sa.CheckConstraint(f"state IN {JOB_STATES}", name="state"),
    sa.Index("jobs_of_tenant", "tenant", "requested_at", "job_id"),
    sa.Index("jobs_unfinished", "tenant", postgresql_where=sa.text("finished_at IS NULL")),
    sa.Index("jobs_finished", "finished_at", postgresql_where=sa.text("finished_at IS NOT NULL")),
)
# The file that a job made, in parts of one size but the last, so that any byte is found by its number.
ERASURE_ORDERS: Final = sa.Table(
    "erasure_orders",
    METADATA,
    sa.Column("erasure_id", sa.Uuid(), primary_key=True),
    sa.Column("tenant", _text(), sa.ForeignKey("tenants.tenant"), nullable=False),
    sa.Column("job_id", sa.Uuid(), nullable=False),  # the latest one that does it; jobs are deleted earlier
    sa.Column("contacts", sa.BigInteger(), nullable=False),
    sa.Column("sealed_contacts", BYTEA()),  # gone as soon as it is done
    sa.Column("requested_by", sa.Text(), nullable=False),
    _now("requested_at"),
    sa.Column("finished_at", sa.DateTime(timezone=True)),
    sa.Column("receipt", JSONB()),
    sa.Column("signature", BYTEA()),  # of the receipt
    sa.Column("deletion", _text(), sa.ForeignKey("deletion_requests.code")),  # the request that it closes in the end
    sa.Index("erasure_orders_of_tenant", "tenant", "requested_at", "erasure_id"),
    sa.Index("erasure_orders_of_deletion", "deletion", postgresql_where=sa.text("deletion IS NOT NULL")),
)
JOB_FILES: Final = sa.Table(
    "job_files",
    METADATA,
    sa.Column("job_id", sa.Uuid(), sa.ForeignKey("jobs.job_id", ondelete="CASCADE"), primary_key=True),
    sa.Column("part", sa.Integer(), primary_key=True),
    sa.Column("size", sa.Integer(), nullable=False),
    sa.Column("sha256", BYTEA(), nullable=False),
    sa.Column("content", BYTEA(), nullable=False),
)
# Whom a bulk action affects: the customers that it found, in an order that it goes through once.
BULK_ITEMS: Final = sa.Table(
    "bulk_items",
    METADATA,
    sa.Column("job_id", sa.Uuid(), sa.ForeignKey("jobs.job_id", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.BigInteger(), primary_key=True),
    sa.Column("customer_id", sa.Uuid(), nullable=False),
    sa.Column("contact_ids", sa.ARRAY(sa.Uuid()), nullable=False),  # those that are meant
    sa.Column("present_id", sa.Uuid()),  # the customer that it was when its turn came
    sa.Column("outcome", _text()),  # none: its turn has not come
    sa.Column("changes", JSONB()),  # by contact id: the contact's key, what was before, and the time of the events
    sa.Column("undone", JSONB()),  # by contact id: what stood of the change when it was undone, and the time
    sa.Index("bulk_items_present", "job_id", "present_id"),
)
# A link begins one session. The hashes are of random texts, which are stored nowhere.
CONSOLE_LINKS: Final = sa.Table(
    "console_links",
    METADATA,
    sa.Column("link_hash", BYTEA(), primary_key=True),
    sa.Column("tenant", _text(), sa.ForeignKey("tenants.tenant"), nullable=False),
    sa.Column("scopes", ARRAY(_text()), nullable=False),
    sa.Column("name", sa.Text(), nullable=False),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, index=True),
)
CONSOLE_SESSIONS: Final = sa.Table(
    "console_sessions",
    METADATA,
    sa.Column("session_hash", BYTEA(), primary_key=True),
    sa.Column("tenant", _text(), sa.ForeignKey("tenants.tenant"), nullable=False),
    sa.Column("scopes", ARRAY(_text()), nullable=False),
    sa.Column("name", sa.Text(), nullable=False),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, index=True),
    sa.Column("key_hash", BYTEA(), sa.ForeignKey("keys.key_hash")),  # only of a session that a key began
    sa.Column("person", sa.Text(), server_default="", nullable=False),  # `key:…`, `link:…` or `oidc:…`
    _now("begun_at"),
)
# Sign-ins with a provider that began a session: none begins another one.
CONSOLE_USED_STATES: Final = sa.Table(
    "console_used_states",
    METADATA,
    sa.Column("state_hash", BYTEA(), primary_key=True),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, index=True),
)
# With whom a tenant's people sign in. `rules` are a list of [role, claim, value].
OIDC_PROVIDERS: Final = sa.Table(
    "oidc_providers",
    METADATA,
    sa.Column("tenant", _text(), sa.ForeignKey("tenants.tenant"), primary_key=True),
    sa.Column("issuer", sa.Text(), nullable=False),
    sa.Column("client_id", sa.Text(), nullable=False),
    sa.Column("sealed_secret", BYTEA()),  # none of a public client
    sa.Column("scopes", ARRAY(sa.Text()), nullable=False),
    sa.Column("rules", JSONB(), nullable=False),
    sa.Column("ask", sa.Text(), nullable=False),
    sa.Column("any_email", sa.Boolean(), nullable=False),
    _now("changed_at"),
)
# Where a tenant's changes are sent. A worker holds an endpoint until `leased_until`; `turn` goes up whenever one takes
# it and whenever a person changes it, and what an earlier turn would save is refused.
WEBHOOK_ENDPOINTS: Final = sa.Table(
    "webhook_endpoints",
    METADATA,
    sa.Column("endpoint_id", sa.Uuid(), primary_key=True),
    sa.Column("tenant", _text(), sa.ForeignKey("tenants.tenant"), nullable=False, index=True),
    sa.Column("url", sa.Text(), nullable=False),
    sa.Column("form", _text(), nullable=False),
    sa.Column("types", ARRAY(_text())),  # none: all
    sa.Column("sealed_secret", BYTEA(), nullable=False),
    sa.Column("sealed_former", BYTEA()),  # the secret before it, which is valid until `former_until`
    sa.Column("former_until", sa.DateTime(timezone=True)),
    sa.Column("topic_id", sa.Uuid(), nullable=False),
    sa.Column("offsets", ARRAY(sa.BigInteger()), nullable=False),  # of the next change that it has not taken yet
    _now("created_at"),
    sa.Column("succeeded_at", sa.DateTime(timezone=True)),
    sa.Column("failures", sa.Integer(), nullable=False, server_default=sa.text("0")),  # since the latest success
    sa.Column("failing_since", sa.DateTime(timezone=True)),
    sa.Column("disabled_at", sa.DateTime(timezone=True)),
    sa.Column("disabled_because", sa.Text()),
    sa.Column("turn", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
    sa.Column("leased_until", sa.DateTime(timezone=True)),
    sa.CheckConstraint(f"form IN {WEBHOOK_FORMS}", name="form"),
)
# Changes that an endpoint has not taken, and those of the same customers that follow them.
WEBHOOK_WAITING: Final = sa.Table(
    "webhook_waiting",
    METADATA,
    sa.Column(
        "endpoint_id", sa.Uuid(), sa.ForeignKey("webhook_endpoints.endpoint_id", ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("position", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
    sa.Column("customer", _text(), nullable=False),
    sa.Column("payload", BYTEA(), nullable=False),
    sa.Column("attempts", sa.Integer(), nullable=False),
    sa.Column("failing_since", sa.DateTime(timezone=True)),
    sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
    sa.Index("webhook_waiting_of_customer", "endpoint_id", "customer", "position"),
)
# What came of sending; without what was sent, and without the receivers' words.
WEBHOOK_ATTEMPTS: Final = sa.Table(
    "webhook_attempts",
    METADATA,
    sa.Column(
        "endpoint_id", sa.Uuid(), sa.ForeignKey("webhook_endpoints.endpoint_id", ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("attempt_id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("message_id", sa.Uuid(), nullable=False),
    sa.Column("type", _text(), nullable=False),
    sa.Column("number", sa.Integer(), nullable=False),  # 1 for the first attempt to send the message
    sa.Column("status", sa.Integer()),  # none: there was no answer, and `problem` says why
    sa.Column("problem", sa.Text()),
    sa.Column("duration", sa.Integer(), nullable=False),  # ms
    sa.Index("webhook_attempts_at", "at"),
)
# Keys of personal data in the log, in a schema of their own, so that backups can leave it out. A tenant's key is
# wrapped by the master key of ONEFOLD_MASTER_KEY_FILE, a subject's key by its tenant's. A subject is a keyed hash.
TENANT_KEYS: Final = sa.Table(
    "tenant_keys",
    METADATA,
    sa.Column("tenant", _text(), primary_key=True),
    sa.Column("wrapped", BYTEA(), nullable=False),
    _now("created_at"),
    schema=KEYS_SCHEMA,
)
SUBJECT_KEYS: Final = sa.Table(
    "subject_keys",
    METADATA,
    sa.Column("tenant", _text(), primary_key=True),
    sa.Column("subject", BYTEA(), primary_key=True),
    sa.Column("key_id", BYTEA(), nullable=False),
    sa.Column("wrapped", BYTEA(), nullable=False),
    schema=KEYS_SCHEMA,
)
# The ids alone of keys that are no more, in the order in which they were destroyed.
DESTROYED_KEYS: Final = sa.Table(
    "destroyed_keys",
    METADATA,
    sa.Column("tenant", _text(), primary_key=True),
    sa.Column("key_id", BYTEA(), primary_key=True),
    sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False, index=True),
    _now("destroyed_at"),
    schema=KEYS_SCHEMA,
)
