"""Every metric, by name. A label never contains an identifier's value or a path; of a tenant, at most its name."""

from bisect import bisect_left
from collections.abc import Iterable
from functools import cache
from typing import Final

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.samples import Sample


class RequestHistogram(Histogram):
    """A histogram of every request, for the event loop's thread alone: it needs no lock, and takes no exemplars.

    It finds the bucket without a look at each, and gives its numbers to prometheus_client when they are asked for.
    """

    def _metric_init(self) -> None:
        super()._metric_init()
        self._seconds = 0.0
        self._counts = [0] * len(self._upper_bounds)

    def observe(self, amount: float, exemplar: dict[str, str] | None = None) -> None:  # noqa: ARG002 - as of Histogram
        """Count the amount; only for a histogram without labels, or with all of them."""
        self._seconds += amount
        self._counts[bisect_left(self._upper_bounds, amount)] += 1

    def _child_samples(self) -> Iterable[Sample]:
        self._sum.set(self._seconds)
        for bucket, count in zip(self._buckets, self._counts, strict=True):
            bucket.set(count)
        return super()._child_samples()


class RequestCounter(Counter):
    """A counter of every request, likewise for the event loop's thread alone."""

    def _metric_init(self) -> None:
        super()._metric_init()
        self._number = 0.0

    def inc(self, amount: float = 1, exemplar: dict[str, str] | None = None) -> None:  # noqa: ARG002 - as of Counter
        """Count; only for a counter without labels, or with all of them."""
        self._number += amount

    def _child_samples(self) -> Iterable[Sample]:
        self._value.set(self._number)
        return super()._child_samples()


# Labels: ``topic`` is a topic's name on the broker, ``reason`` a `services.runtime.decoding.DeadReason`, ``stage`` a
# `projections.engine.stages.Stage`, ``server`` one of "kafka" and "postgresql", ``kind`` the name of a
# kind of job, ``evaluator`` what answers a search, "index" or "postgresql".
EVENTS_COMMITTED: Final = Counter(
    "onefold_events_committed", "New events folded into the read models, by topic", labelnames=("topic",)
)
EVENTS_DUPLICATE: Final = Counter(
    "onefold_events_duplicate", "Repeated events that changed nothing, by topic", labelnames=("topic",)
)
EVENTS_DEAD: Final = Counter(
    "onefold_events_dead",
    "Records sent to the dead-letter topic, by the topic they came from and reason",
    labelnames=("topic", "reason"),
)
RECORDS_ERASED: Final = Counter(
    "onefold_records_erased", "Records that were passed over because the key of their contact was destroyed"
)
GENERATION_FED: Final = Gauge(
    "onefold_generation_fed",
    "1 while the process that feeds the generation answers, else 0, by generation and its state",
    labelnames=("generation", "state"),
)
CHUNK_RECORDS: Final = Histogram(
    "onefold_chunk_records",
    "Records saved in one transaction (a chunk, or the waiting chunks of several partitions), by topic",
    labelnames=("topic",),
    buckets=(1, 10, 100, 500, 1000, 2000, 4000, 8000),
)
CHUNK_SECONDS: Final = Histogram(
    "onefold_chunk_seconds",
    "From a chunk's hand-over to its commit, by topic",
    labelnames=("topic",),
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5),
)
CHUNK_STAGE_SECONDS: Final = Histogram(
    "onefold_chunk_stage_seconds",
    "What a chunk spent in one stage of its work, by topic and stage",
    labelnames=("topic", "stage"),
    buckets=(0.001, 0.005, 0.02, 0.1, 0.5, 2),
)
CHUNKS_FENCED: Final = Counter("onefold_chunks_fenced", "Chunks dropped because the partition is another worker's")
PARTITIONS_STOPPED: Final = Gauge("onefold_partitions_stopped", "Partitions stopped until a person has looked")
PARTITIONS_OWNED: Final = Gauge(
    "onefold_partitions_owned", "Partitions this worker folds, by topic", labelnames=("topic",)
)
LAG_RECORDS: Final = Gauge(
    "onefold_lag_records",
    "Records of its partitions that this worker has not committed yet, by topic;"
    " what a rebuild holds back does not count",
    labelnames=("topic",),
)
LAG_SECONDS: Final = Gauge(
    "onefold_lag_seconds",
    "Age of the oldest record that this worker has not committed yet, by topic (0: none is left)",
    labelnames=("topic",),
)
SERVER_UNAVAILABLE: Final = Gauge(
    "onefold_server_unavailable", "1 while this worker waits for the server, else 0", labelnames=("server",)
)
COMPOSER_CHUNKS_BEHIND: Final = Gauge(
    "onefold_composer_chunks_behind", "Chunks whose changes are not in the customer rows yet, whoever composes them"
)
COMPOSER_SECONDS_BEHIND: Final = Gauge(
    "onefold_composer_seconds_behind",
    "Age of the oldest chunk whose changes are not in the customer rows yet (0: none is left)",
)
CHANGES_RELAYED: Final = Counter("onefold_changes_relayed", "Customer changes that this worker brought into Kafka")
CHANGES_WAITING: Final = Gauge(
    "onefold_changes_waiting", "Customer changes that are not in Kafka yet, whoever is to bring them (100000 at most)"
)
CHANGES_OLDEST: Final = Gauge(
    "onefold_changes_oldest_seconds", "How long the oldest customer change has been waiting to get into Kafka"
)
CHANGES_HELD: Final = Gauge(
    "onefold_changes_held", "Customers whose next change Kafka refuses; every other customer's changes go on"
)
JOBS_WAITING: Final = Gauge(
    "onefold_jobs_waiting",
    "Jobs that wait for a worker, whoever is to run them, by kind",
    labelnames=("kind",),
)
JOBS_RUNNING: Final = Gauge(
    "onefold_jobs_running",
    "Jobs that a worker holds, whichever it is, by kind",
    labelnames=("kind",),
)
JOBS_OLDEST: Final = Gauge(
    "onefold_jobs_oldest_seconds",
    "How long the job has been waiting that has waited longest, by kind (0: none waits)",
    labelnames=("kind",),
)
JOBS_FAILED: Final = Counter(
    "onefold_jobs_failed",
    "Jobs that failed here, also for what was asked of them, by kind",
    labelnames=("kind",),
)
JOB_SECONDS: Final = Histogram(
    "onefold_job_seconds",
    "From when this worker took a job until it ended or gave it back, by kind",
    labelnames=("kind",),
    buckets=(1, 5, 20, 60, 300, 1200, 3600),
)
JOB_ROWS: Final = Counter(
    "onefold_job_rows",
    "What jobs have done here, in the unit of their progress, by kind",
    labelnames=("kind",),
)
SEGMENT_SECONDS: Final = Histogram(
    "onefold_segment_count_seconds",
    "Time to count the customers of a segment, for its size of the day",
    buckets=(0.05, 0.2, 1, 5, 20, 60),
)
SEARCHES: Final = Counter(
    "onefold_searches",
    "Searches, facets and counts of segments, by what evaluated the filter",
    labelnames=("evaluator",),
)
SEARCH_INDEX_BYTES: Final = Gauge("onefold_search_index_bytes", "Memory of this process's search indexes, about")
SEARCH_INDEX_CUSTOMERS: Final = Gauge("onefold_search_index_customers", "Customers in this process's search indexes")
SEARCH_INDEX_SECONDS_BEHIND: Final = Gauge(
    "onefold_search_index_seconds_behind",
    "How long ago the search index was brought to the present that waits for it longest (0: there is none)",
)
SEARCH_INDEX_LOAD_SECONDS: Final = Histogram(
    "onefold_search_index_load_seconds",
    "Time to load the search index of a tenant",
    buckets=(1, 5, 20, 60, 300),
)
WEBHOOK_ATTEMPTS: Final = Counter(
    "onefold_webhook_attempts", "Attempts to send a change to a webhook endpoint, by outcome", labelnames=("outcome",)
)
WEBHOOKS_DISABLED: Final = Gauge("onefold_webhooks_disabled", "Webhook endpoints that are disabled, of all tenants")
WEBHOOKS_WAITING: Final = Gauge(
    "onefold_webhooks_waiting", "Changes that webhook endpoints did not take yet, and those that wait behind them"
)
WEBHOOKS_FAILING: Final = Gauge(
    "onefold_webhooks_failing_seconds", "For how long the worst of the enabled webhook endpoints has taken nothing"
)

HTTP_SECONDS: Final = RequestHistogram(
    "onefold_http_seconds",
    "From a request to its answer, by route template, method and status",
    labelnames=("route", "method", "status"),
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5),
)
RATE_LIMITED: Final = Counter(
    "onefold_http_rate_limited", "Requests refused because their key used up its rate limit, by tenant", ("tenant",)
)
AUDIT_WAITING: Final = Gauge(
    "onefold_audit_waiting", "Entries of the audit trail that are not in the database yet (10000 at most)"
)
INGRESS_ACCEPTED: Final = RequestCounter(
    "onefold_ingress_events_accepted", "Events that Kafka acknowledged, by the door they came in", labelnames=("door",)
)
INGRESS_REJECTED: Final = Counter(
    "onefold_ingress_events_rejected", "Events and bodies refused, by door and reason", labelnames=("door", "reason")
)
INGRESS_UNKNOWN: Final = Counter(
    "onefold_ingress_events_unknown", "Events of a type that Onefold only keeps, by door", labelnames=("door",)
)
INGRESS_WEBHOOKS: Final = RequestCounter(
    "onefold_ingress_webhooks", "Webhook calls by channel and outcome", labelnames=("channel", "outcome")
)
INGRESS_ACK_SECONDS: Final = RequestHistogram(
    "onefold_ingress_ack_seconds",
    "From the first record of a request sent to the last one acknowledged by Kafka",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5),
)
INGRESS_BYTES: Final = Gauge("onefold_ingress_bytes", "Bytes of bodies and of events that are not yet acknowledged")

# The counters of one set of labels. prometheus_client looks them up under a lock, and there are few of them.
rate_limited_by: Final = cache(RATE_LIMITED.labels)
accepted_by: Final = cache(INGRESS_ACCEPTED.labels)
webhooks_by: Final = cache(INGRESS_WEBHOOKS.labels)
