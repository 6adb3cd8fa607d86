"""Real Kafka and PostgreSQL for tests. `tests/support/servers.py` says how they live."""

import gc
import os
import uuid
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, settings

from tests.support import servers
from tests.support.long_tests import long_ones_first
from tests.support.rounds import is_soak

# No profile has a deadline: how fast a machine is says nothing about the code. HYPOTHESIS_PROFILE chooses a profile:
# `make unit` takes "quick", `make nightly` takes "nightly". Otherwise, where CI is set, "brief" is taken: Hypothesis's
# own "ci", which draws the same each time, with half of its examples.
settings.register_profile("ordinary", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("brief", settings.get_profile("ci"), max_examples=50)
settings.register_profile("quick", settings.get_profile("ordinary"), max_examples=10)
settings.register_profile("nightly", settings.get_profile("ci"), max_examples=5000, derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "brief" if "CI" in os.environ else "ordinary"))

pytest_plugins = [
    "tests.support.identity",
    "tests.support.ingress",
    "tests.support.running_world",
]  # fixtures that several folders use

_SESSION = pytest.StashKey[servers.Session]()


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # not one of xdist's workers, so the process that runs them
        config.stash[_SESSION] = servers.Session()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only `make soak` runs, and start the long tests first.

    So no worker waits in the end for another one that has just begun a long test, or has more of them than others.
    """
    if not is_soak() and (left_out := [item for item in items if item.get_closest_marker("soak")]):
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("soak")]
    files: dict[pytest.Module | None, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("long"):
            files.setdefault(item.getparent(pytest.Module), []).append(item)
    short = [item for item in items if not item.get_closest_marker("long")]
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    items[:] = long_ones_first([*files.values()], short, workers)


def pytest_collection_finish() -> None:
    """Have no search for garbage look at what was imported and collected: else a whole one takes half a second."""
    gc.freeze()


def pytest_unconfigure(config: pytest.Config) -> None:
    if (session := config.stash.get(_SESSION, None)) is not None:
        session.end()


@pytest.fixture(autouse=True)
def _only_on_real_kafka(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("kafka") and not servers.shared_kafka().real:
        servers.refuse_fallback()


@pytest.fixture(scope="session")
def kafka() -> str:
    """Bootstrap servers of the session's broker. Mark tests that need more than the fallback `@pytest.mark.kafka`."""
    return servers.shared_kafka().bootstrap


@pytest.fixture(scope="session")
def postgres() -> servers.SharedPostgres:
    """The session's PostgreSQL. Most tests want `database`."""
    return servers.shared_postgres()


@pytest.fixture
async def database(postgres: servers.SharedPostgres) -> AsyncIterator[str]:
    """URL of a database of the test's own, with the control tables in it."""
    async with servers.fresh_database(postgres) as url:
        yield url


@pytest.fixture
async def database_with_read_models(postgres: servers.SharedPostgres) -> AsyncIterator[str]:
    """URL of a database of the test's own, with the control tables and the empty read models of the generation g1."""
    async with servers.fresh_database(postgres, servers.TEMPLATE_WITH_READ_MODELS) as url:
        yield url


@pytest.fixture
def topic_prefix() -> str:
    """First part of topic names that no other test uses."""
    return f"t-{uuid.uuid4().hex[:10]}"


@pytest.fixture
async def own_kafka() -> AsyncIterator[servers.OwnKafka]:
    """A private Apache Kafka, started; `await own_kafka.stop()`, `.start()`, `.kill()`."""
    async with servers.own_kafka() as own:
        yield own


@pytest.fixture
async def own_postgres() -> AsyncIterator[servers.OwnPostgres]:
    """A private PostgreSQL, started; `await own_postgres.stop()`, `.start()`, `.kill()`."""
    async with servers.own_postgres() as own:
        yield own
