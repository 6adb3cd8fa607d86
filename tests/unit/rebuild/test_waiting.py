"""A rebuild waits for workers as long as they get on."""

from collections.abc import Awaitable, Callable

import pytest

from services.rebuild.waiting import Waiting

WAITING = Waiting(lambda: None)


def counting_down(*left: int) -> Callable[[], Awaitable[int]]:
    """What is left at each look; the last one stays."""
    rest = list(left)

    async def look() -> int:
        return rest.pop(0) if len(rest) > 1 else rest[0]

    return look


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.rebuild.waiting._LOOK_EVERY", 0.0)


async def test_it_waits_until_nothing_is_left() -> None:
    assert await WAITING.left_of(counting_down(3, 2, 2, 1, 0)) == 0


async def test_it_gives_up_when_nothing_changes_and_says_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.rebuild.waiting._MOVES_WITHIN", 0.0)
    assert await WAITING.left_of(counting_down(3, 2)) == 2


async def test_it_shows_what_is_left_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.rebuild.waiting._SAY_EVERY", -1.0)
    shown: list[int] = []
    await WAITING.left_of(counting_down(2, 1, 0), shown.append)
    assert shown == [2, 1]


async def test_what_ends_a_worker_ends_the_waiting() -> None:
    def ended() -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await Waiting(ended).left_of(counting_down(1))
