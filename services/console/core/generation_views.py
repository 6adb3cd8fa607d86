"""What pages show of generations and of how they compare (pure)."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from services.console.core.condition_forms import Say
from services.query.core.generation_models import GenerationView

_TONES = {"active": "good", "standby": "accent", "past": "accent", "building": "warn"}


class ShownGeneration(NamedTuple):
    """A generation, its state in words, and what may be done with it: ``back`` if it was the active one before."""

    view: GenerationView
    state: str
    tone: str
    activable: bool
    back: bool
    droppable: bool

    @property
    def behind(self) -> int | None:
        """Records of the log that it has not folded; None while Kafka is away."""
        return None if self.view.records is None else max(0, self.view.records - self.view.folded)


def shown_generation(view: GenerationView, active: GenerationView | None, say: Say) -> ShownGeneration:
    """A generation as pages show it."""
    names = {
        "building": say("being built"),
        "past": say("complete, of the past"),
        "active": say("is read"),
        "standby": say("kept up to date beside"),
        "retired": say("no longer fed"),
    }
    fits = view.readable or view.read_models is not None
    whole = view.as_of is None and view.known_at is None
    ready = view.state == "standby" or (view.state == "building" and view.compared_at is not None)
    return ShownGeneration(
        view,
        names[view.state],
        _TONES.get(view.state, ""),
        activable=active is not None and fits and whole and ready,
        back=view.state == "standby" and view.activated_at is not None,
        droppable=view.state != "active",
    )


class ComparedModel(NamedTuple):
    """A read model in both generations, all tenants together; ``why`` is set where other code made it."""

    name: str
    here: int
    there: int
    same: bool
    columns: tuple[str, ...]
    why: str


class ComparedModels(NamedTuple):
    """What a comparison found, what differs first; ``left_out`` are customers that could not be judged."""

    models: tuple[ComparedModel, ...]
    left_out: int
    pending: int


def compared_models(kept: Mapping[str, Any]) -> ComparedModels:
    """The result of a comparison, as it is stored: no value, and no tenant, is shown."""
    totals: dict[str, list[int]] = {}
    for name, _, here, there, same in kept.get("places", ()):
        total = totals.setdefault(name, [0, 0, 0])
        total[0] += here
        total[1] += there
        total[2] += not same
    columns: dict[str, set[str]] = {}
    for row in kept.get("rows", ()):
        columns.setdefault(row["place"][0], set()).update(row["columns"])
    changed = kept.get("changed", {})
    models = (
        ComparedModel(
            name, here, there, not differing, tuple(sorted(columns.get(name, ()))), str(changed.get(name, ""))
        )
        for name, (here, there, differing) in totals.items()
    )
    return ComparedModels(
        tuple(sorted(models, key=lambda one: (one.same, one.name))), kept.get("left_out", 0), kept.get("pending", 0)
    )
