"""Rows of identity that differ are looked at again for as long as the active generation may be about to change them."""

from typing import Any

import pytest

from services.rebuild import comparing


class Rounds:
    """Stands in for one comparison, whose rows stop differing in round ``same_in``, if ever."""

    def __init__(self, *, same_in: int, settled_in: int) -> None:
        self.same_in = same_in
        self.settled_in = settled_in
        self.looked = 0

    @property
    def undecided(self) -> bool:
        return self.looked < self.same_in

    @property
    def goes_on(self) -> bool:
        return self.looked < self.settled_in

    async def first_round(self) -> None:
        self.looked = 1

    async def look_again(self) -> None:
        self.looked += 1

    def result(self) -> int:
        return self.looked


async def rounds(monkeypatch: pytest.MonkeyPatch, *, same_in: int, settled_in: int) -> Any:
    """How often the rows are looked at."""

    async def no_versions(*_: Any) -> None:
        return None

    made = Rounds(same_in=same_in, settled_in=settled_in)
    monkeypatch.setattr(comparing, "_BETWEEN_ROUNDS", 0)
    monkeypatch.setattr(comparing, "_Comparing", lambda *_, **__: made)
    monkeypatch.setattr(comparing, "fold_versions", no_versions)
    pair: Any = type(
        "Pair", (), {"control": None, "active": type("Active", (), {"name": "g1"}), "customers_too": False}
    )
    return await comparing.compare(pair, lambda: None)


@pytest.mark.parametrize(
    ("same_in", "settled_in", "looked"),
    [(1, 100, 1), (3, 0, 3), (100, 0, 4), (20, 100, 20), (100, 20, 20), (1000, 1000, 60)],
    ids=[
        "same at once",
        "same soon",
        "never the same",
        "same once it has read on",
        "read to the end",
        "reads for ever",
    ],
)
async def test_rows_are_compared_again_while_the_active_generation_goes_on(
    monkeypatch: pytest.MonkeyPatch, same_in: int, settled_in: int, looked: int
) -> None:
    assert await rounds(monkeypatch, same_in=same_in, settled_in=settled_in) == looked
