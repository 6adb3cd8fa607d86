"""`make chaos`: rounds of random faults on real servers, a line for each round, and a table in the end.

The seed decides which faults come, and when; the same seed plays the same plan again. The logs are kept if it fails.
"""

import argparse
import asyncio
import logging
import operator
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import SystemRandom

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from projections.engine.generation_records import FIRST
from tests.chaos.deliveries import Deliveries
from tests.chaos.installation import Installation, Servers, installed
from tests.chaos.rounds import Round, plans, play
from tests.chaos.sender import Sender
from tests.support import servers
from tests.support.kafka_cluster import kafka_cluster
from tests.support.worker_processes import ForkServer


def main() -> int:
    """Returns the exit status: 0 if everything holds."""
    options = _options()
    console = Console()
    again = f"make chaos ROUNDS={options.rounds} SEED={options.seed} NODES={options.nodes}"
    console.print(f"{options.rounds} rounds with seed {options.seed}. To play them again: {again}")
    home = Path(tempfile.mkdtemp(prefix="onefold-chaos-"))
    session = servers.Session()
    fork_server = ForkServer()
    try:
        asyncio.run(_play(options, console, home, fork_server))
    except Exception as error:  # noqa: BLE001 - whatever it is, it has to be played again
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        kind = "Failed" if isinstance(error, AssertionError) else f"Ended by {type(error).__name__}"
        console.print(f"[red]{kind}.[/red] The logs are in {home}. To play it again: {again}")
        console.print(escape(str(error)), soft_wrap=True)
        if not isinstance(error, AssertionError):
            console.print_exception()
        return 1
    finally:
        fork_server.close()
        session.end()
    shutil.rmtree(home, ignore_errors=True)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(1_000_000))
    parser.add_argument("--nodes", type=int, default=1, choices=(1, 3), help="Kafka's nodes")
    return parser.parse_args()


async def _play(options: argparse.Namespace, console: Console, home: Path, fork_server: ForkServer) -> None:
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it reports each server that is away
    async with _installed(options.nodes, home, fork_server) as (installation, key):
        sender = Sender(installation.url, Deliveries(options.seed, key), options.seed)

        def show(played: Round) -> None:
            what = escape("; ".join(played.done))
            console.print(
                f"round {played.number}: {what}; caught up after {played.came_back_after:.1f} s", soft_wrap=True
            )

        planned = plans(options.seed, options.rounds)
        console.print(_summary(await play(installation, sender, options.seed, planned, show), installation, sender))


@asynccontextmanager
async def _installed(nodes: int, home: Path, fork_server: ForkServer) -> AsyncIterator[tuple[Installation, str]]:
    async with (
        servers.own_postgres() as postgres,
        _kafka(nodes) as (brokers, addresses),
        installed(Servers(brokers, addresses, postgres), "chaos", home, fork_server) as made,
    ):
        yield made


@asynccontextmanager
async def _kafka(nodes: int) -> AsyncIterator[tuple[Sequence[servers.OwnKafka], str]]:
    """The brokers, and the addresses of them all."""
    if nodes == 1:
        async with servers.own_kafka() as kafka:
            yield [kafka], kafka.bootstrap
    else:
        async with kafka_cluster(nodes) as cluster:
            yield cluster.nodes, cluster.bootstrap


def _summary(played: list[Round], installation: Installation, sender: Sender) -> Table:
    table = Table("what", "number", title="Everything holds.")
    account = sender.account
    active = [FIRST, *(one.active for one in played)]
    rows = {
        "rounds": len(played),
        "rounds that ended with another active generation than they began": sum(map(operator.ne, active, active[1:])),
        "swaps to another generation and back, by commands": installation.there_and_back,
        "faults": sum(len(one.done) for one in played),
        "events acknowledged, each in a timeline once": len(account.acknowledged),
        "deliveries sent again after their acknowledgement": sender.repeated,
        "deliveries refused, and sent again": sender.refused,
        "processes that asked to be started again": len(installation.restarted),
        "longest time until all was folded, s": round(max((one.came_back_after for one in played), default=0)),
    }
    for what, number in rows.items():
        table.add_row(what, f"{number:,}")
    return table


if __name__ == "__main__":
    sys.exit(main())
