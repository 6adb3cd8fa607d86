"""Which generation a rebuild builds: an unfinished one, or a new one, of all read models or of those that changed."""

from collections.abc import Collection
from dataclasses import dataclass

from projections.comparable import REMEMBERED
from projections.engine.adoption import build_on, unlike
from projections.engine.connection import Connection
from projections.engine.generation_records import (
    ACTIVE,
    BUILDING,
    EVERYTHING,
    STANDBY,
    GenerationRecord,
    Horizon,
    NoGeneration,
)
from projections.engine.generations import add_generation, all_generations, find_generation, next_generation
from projections.engine.holds import Vector, set_hold
from projections.erasures.store import carry_over
from projections.registry import SCHEMA, SINGLE, schema_of, with_counters
from schemas.topics import CHANNEL_EVENTS, IDENTITY_EVIDENCE, TOPICS, WITHOUT_CHANGES
from services.runtime.broker import ensure_topics
from services.runtime.errors import ForeseenError
from services.runtime.settings import Settings


class CannotRebuild(ForeseenError):
    """There is another rebuild, or an unfinished one that this one can't go on with. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked for: how many worker processes, which events to fold, and what follows.

    With ``swap`` the generation becomes the active one unless read models differ that are not ``accepted`` by name.
    ``read_models`` are the only ones to build. If none are named, those that changed are, where they can be built
    alone, unless ``whole``. ``share`` is how much of the time each worker works; None: as much as the service leaves.
    """

    workers: int = 1
    horizon: Horizon = EVERYTHING
    swap: bool = False
    accepted: Collection[str] = ()
    read_models: Collection[str] = ()
    whole: bool = False
    share: float | None = None


async def chosen_generations(
    control: Connection, settings: Settings, options: Options
) -> tuple[GenerationRecord, GenerationRecord]:
    """The active generation, and the one that is built, which is made if there is none. Raises CannotRebuild."""
    known = await all_generations(control)
    active = next((one for one in known if one.state == ACTIVE), None)
    if active is None:
        raise CannotRebuild(NoGeneration.__doc__)
    models = wanted_read_models(active, options)
    for one in known:
        if one.horizon != options.horizon or one.read_models != models:
            continue
        ours = one.schema_digest == schema_of(models).digest
        if one.state == BUILDING and not ours:
            raise CannotRebuild(
                f"{one.name} is being built by another version of Onefold. Drop it first: onefold generations drop "
                f"{one.name}"
            )
        if one.state == BUILDING:
            return active, one
        if one.state == STANDBY and models and ours:  # the former read models of this code: they go on where they stood
            await _hold_where_it_stands(control, settings, one)
            return active, await find_generation(control, one.name)
    return active, await _new(control, settings, options, models, active.name)


def wanted_read_models(active: GenerationRecord, options: Options) -> frozenset[str] | None:
    """Those that are built alone; None: all are built. Raises CannotRebuild."""
    named = with_counters(options.read_models)
    if unknown := named - SINGLE:
        raise CannotRebuild(
            f"{', '.join(sorted(unknown))} can't be built alone. These can: {', '.join(sorted(SINGLE))}. For all read "
            "models at once: onefold rebuild --all"
        )
    if options.whole or options.horizon != EVERYTHING:
        if named:
            raise CannotRebuild("--read-model can't be combined with --all, --as-of or --known-at.")
        return None
    unlike_active = unlike(active, SCHEMA)
    changed = None if unlike_active is None else with_counters(unlike_active)
    if named:
        if changed is None or changed - named:
            more = "" if changed is None else f": {', '.join(sorted(changed - named))}"
            raise CannotRebuild(f"More than that has changed since {active.name} was made{more}. Run: onefold rebuild")
        return named
    if active.schema_digest == SCHEMA.digest or changed is None or changed - SINGLE:
        return None
    gone = (active.model_digests or {}).keys() - SCHEMA.model_digests.keys()
    return changed if changed or gone else None


async def _hold_where_it_stands(control: Connection, settings: Settings, one: GenerationRecord) -> None:
    async with control.transaction():
        await set_hold(control, one.name, {CHANNEL_EVENTS.full_name(settings.topic_prefix): {}})
        await build_on(control, one.name)


async def _new(
    control: Connection, settings: Settings, options: Options, models: Collection[str] | None, active: str
) -> GenerationRecord:
    whole = options.horizon == EVERYTHING
    generation = await next_generation(control, takes_over=whole)
    if models is None:
        await ensure_topics(settings, generation, TOPICS if whole else WITHOUT_CHANGES)
    async with control.transaction():
        await add_generation(control, generation, schema_of(models), horizon=options.horizon, for_readers=False)
        # Held before any worker sees it.
        hold: dict[str, Vector] = {generation.topic_name(IDENTITY_EVIDENCE, settings.topic_prefix): {}}
        if whole:
            hold[CHANNEL_EVENTS.full_name(settings.topic_prefix)] = {}
        await set_hold(control, generation.name, hold)
        await carry_over(control, active, generation.name, REMEMBERED)
    return await find_generation(control, generation.name)
