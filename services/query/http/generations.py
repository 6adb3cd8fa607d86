"""Generations of the read models over HTTP: which there are, and how far each is."""

from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from services.query.core.generation_models import GenerationList
from services.query.handlers.generations import Generations
from services.query.http.parameters import Operating
from services.query.http.responses import answer
from services.runtime.api import COMMON_PROBLEMS, keyed_router

router = keyed_router("/v1/generations", "operations")


async def _generations(request: Request) -> Generations:
    generations: Generations = request.app.state.generations
    return generations


@router.get("", summary="The generations", response_model=GenerationList, responses=COMMON_PROBLEMS)
async def read_generations(
    asking: Operating,  # noqa: ARG001 - the key is checked; the answer is not about a tenant
    generations: Annotated[Generations, Depends(_generations)],
) -> Response:
    """Which builds of the read models there are, which of them is read, and how far each is in the log."""
    return answer(await generations.all())
