"""Generations of the read models over HTTP: which there are, and how far each is."""

from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from services.query.core.generation_models import GenerationList, LagView
from services.query.handlers.generations import Generations
from services.query.http.parameters import Operating
from services.query.http.responses import answer
from services.runtime.api import COMMON_PROBLEMS, keyed_router

router = keyed_router("/v1", "operations")


async def _generations(request: Request) -> Generations:
    generations: Generations = request.app.state.generations
    return generations


Builds = Annotated[Generations, Depends(_generations)]


@router.get("/generations", summary="The generations", response_model=GenerationList, responses=COMMON_PROBLEMS)
async def read_generations(
    asking: Operating,  # noqa: ARG001 - the key is checked; the answer is not about a tenant
    generations: Builds,
) -> Response:
    """Which builds of the read models there are, which of them is read, and how far each is in the log."""
    return answer(await generations.all())


@router.get("/lag", summary="How far each agent is behind", response_model=LagView, responses=COMMON_PROBLEMS)
async def read_lag(
    asking: Operating,  # noqa: ARG001 - the key is checked; the answer is not about a tenant
    generations: Builds,
) -> Response:
    """What is in the log, and not yet in the read models that are read, or not yet announced."""
    return answer(await generations.lag())
