"""Read models, for operators: how far each agent is behind, and generations: compare, swap, back, drop.

A rebuild is a job: a worker runs the command for it, in a process of its own, with the code of that worker. One with
the code of another version is started by its command. The page shows the progress of both.
"""

from typing import Any, Final

from starlette.responses import Response

from projections.engine.generation_records import NoGeneration
from services.console.core.generation_views import compared_models, shown_generation
from services.console.core.job_views import JOBS
from services.console.core.problem_details import problem_words
from services.console.http.channels import OPERATIONS
from services.console.http.commands import ingress_of
from services.console.http.jobs import by
from services.console.http.pages import PageRoute
from services.console.http.visits import Visit, query_of, redirect
from services.control.activation import CannotActivate
from services.control.auth import OPERATOR
from services.control.errors import TooManyJobs
from services.control.generations import GenerationInUse, comparison_of, drop
from services.control.jobs import REBUILD, add_job
from services.control.lag import LATE
from services.control.swapping import activate
from services.query.handlers.generations import Generations
from services.runtime.api import Access
from services.runtime.problems import NOT_FOUND, TOO_MANY_JOBS, Problem

PATH: Final = f"{OPERATIONS}/read-models"
_READING: Final = Access(OPERATOR, recorded=False)
_CHANGING: Final = Access(OPERATOR)
_NEAR_WITHIN: Final = 20.0  # seconds that a page may wait for a generation to come near


async def show_generations(visit: Visit) -> Response:
    """How far each agent is behind, and every generation."""
    if visit.request.headers.get("hx-request"):
        return visit.page("operations/progress.html", **await _values(visit))
    return await _page(visit)


async def show_comparison(visit: Visit) -> Response:
    """What the latest comparison of a generation with the active one found, by read model."""
    name = visit.request.path_params["generation"]
    kept = await comparison_of(ingress_of(visit).settings, name)
    if kept is None:
        raise Problem(NOT_FOUND)
    return visit.page("operations/comparison.html", name=name, found=compared_models(kept), path=PATH)


async def activate_generation(visit: Visit) -> Response:
    """Have readers read a generation. The former one stays beside it, so that going back is the same step."""
    await visit.form()
    name = visit.request.path_params["generation"]
    try:
        await activate(ingress_of(visit).settings, name, wait=_NEAR_WITHIN)
    except (CannotActivate, NoGeneration) as error:
        return await _page(visit, 409, problem=str(error))
    _generations(visit).forget()
    return redirect(f"{PATH}?done=activated")


async def start_rebuild(visit: Visit) -> Response:
    """Have a worker build the next generation, or go on with the unfinished one. It is not made the active one."""
    await visit.form()
    engine = visit.request.app.state.console_engine
    try:
        job = await add_job(engine, visit.tenant, REBUILD, {}, total=None, requested_by=by(visit))
    except TooManyJobs as error:
        raise Problem(TOO_MANY_JOBS, str(error)) from None
    return redirect(f"{JOBS}/{job.job_id}")


async def drop_generation(visit: Visit) -> Response:
    """Delete a generation that nobody reads, with all its rows."""
    form = await visit.form()
    name = visit.request.path_params["generation"]
    if form.one("name").strip() != name:
        return await _page(visit, 422, problem=visit.say("Type the generation's name to delete it."))
    try:
        await drop(ingress_of(visit).settings, name)
    except (GenerationInUse, NoGeneration) as error:
        return await _page(visit, 409, problem=str(error))
    _generations(visit).forget()
    return redirect(f"{PATH}?done=dropped")


async def _page(visit: Visit, status: int = 200, *, problem: str = "") -> Response:
    done = query_of(visit.request).one("done")
    why = problem_words(problem, visit.say) if problem else None
    return visit.page("operations/generations.html", status, problem=why, done=done, **await _values(visit))


async def _values(visit: Visit) -> dict[str, Any]:
    generations = _generations(visit)
    found = (await generations.all()).generations
    active = next((one for one in found if one.state == "active"), None)
    return {
        "lag": await generations.lag(),
        "late": LATE,
        "generations": [shown_generation(one, active, visit.say) for one in reversed(found)],
        "path": PATH,
    }


def _generations(visit: Visit) -> Generations:
    generations: Generations = visit.request.app.state.generations
    return generations


_ONE: Final = f"{PATH}/{{generation}}"
ROUTES: Final = (
    PageRoute(PATH, show_generations, _READING),
    PageRoute(f"{PATH}/rebuild", start_rebuild, _CHANGING, "POST"),
    PageRoute(_ONE, show_comparison, _READING),
    PageRoute(f"{_ONE}/activate", activate_generation, _CHANGING, "POST"),
    PageRoute(f"{_ONE}/drop", drop_generation, _CHANGING, "POST"),
)
