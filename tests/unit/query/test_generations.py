from collections.abc import Sequence
from datetime import UTC, datetime

from services.control.generations import GenerationProgress
from services.control.lag import Lag
from services.query.handlers.generations import Generations


def progress(name: str) -> GenerationProgress:
    began = datetime(2026, 1, 1, tzinfo=UTC)
    nothing = (None, None, None, None, None, None, None, None, None)
    return GenerationProgress(name, "active", True, began, *nothing, ())  # noqa: FBT003 - as the class has them


async def test_a_change_shows_at_once_and_else_generations_are_loaded_once() -> None:
    names, loaded = ["g1"], list[int]()

    async def load() -> Sequence[GenerationProgress]:
        loaded.append(len(names))
        return [progress(one) for one in names]

    async def lag() -> Lag:
        raise AssertionError

    generations = Generations(load, lag)
    await generations.all()
    names.append("g2")
    assert len((await generations.all()).generations) == 1
    generations.forget()
    assert [one.name for one in (await generations.all()).generations] == names
    assert loaded == [1, 2]
