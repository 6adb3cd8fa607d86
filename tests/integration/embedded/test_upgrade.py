"""A data folder of an older version is upgraded as the documentation says, with other tables and every event."""

import os
import subprocess
from pathlib import Path
from typing import Final

import pytest

from services.embedded.process import wait_for
from services.runtime.errors import EXIT_INCOMPATIBLE
from tests.support.other_code import OtherCode
from tests.support.running_up import EVENT, ONEFOLD, Up

# The older version's timeline has a column that this one has not: it can't be built alone.
OLDER: Final = {
    "projections/timeline/tables.py": (
        "    account_key: str | None = None\n",
        "    account_key: str | None = None\n    former: str | None = None\n",
    )
}
LATER: Final = EVENT["occurred_at"] + 1000


def done(home: Path, *command: str) -> str:
    """What the command of this version printed, which must succeed."""
    env = {**os.environ, "ONEFOLD_DATA_DIR": str(home), "COLUMNS": "200"}
    ended = subprocess.run([*ONEFOLD, *command], env=env, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_folder_of_an_older_version_is_refused_rebuilt_and_goes_on(home: Path, ups: list[Up], tmp_path: Path) -> None:
    ups.append(older := Up(home, OtherCode(tmp_path, OLDER)).await_up())
    older.post()
    assert wait_for(lambda: older.contact().status_code == 200, 240)
    before = older.contact().json()
    assert older.end() == 0

    ups.append(refused := Up(home))
    assert refused.process.wait(240) == EXIT_INCOMPATIBLE
    assert "onefold rebuild" in refused.output

    told = done(home, "rebuild", "--swap", "--workers", "1")
    assert "Made by other code, columns gone: former: timeline." in told
    assert "g2 is the active generation now; 0 changes of customers were announced" in told

    ups.append(newer := Up(home).await_up())
    assert newer.key == older.key
    assert newer.contact().json() == before
    newer.post(occurred_at=LATER, data={**EVENT["data"], "message_id": "m2"})
    assert wait_for(lambda: newer.contact().json() != before, 240)
    done(home, "verify")
    assert newer.end() == 0
