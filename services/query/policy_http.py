"""The tenant's policy for identity over HTTP, and what another one would change. Setting one is for ingress."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.responses import Response

from projections.identity.resolution.policy import InvalidPolicy, Policy
from services.control.auth import Principal, require
from services.query.core.policy_models import PolicyInForce, Preview, WishedPolicy
from services.query.http import ALWAYS, BEARER, Asking, EncodedPathRoute, answer, problems_of
from services.query.policy import Policies
from services.query.preview import Busy, Previewer, TooMuch
from services.runtime.problems import Kind, Problem, problem_response

_NO_POLICY: Final = Kind("no-policy", "This is no policy", 422)
_BUSY: Final = Kind("preview-busy", "Another preview is being made", 429)
_TOO_MUCH: Final = Kind("preview-too-large", "The evidence is too much for a preview", 503)
PREVIEWED: Final = ALWAYS | problems_of(_NO_POLICY, _BUSY, _TOO_MUCH)

router = APIRouter(
    prefix="/v1/identity/policy",
    tags=["identity"],
    route_class=EncodedPathRoute,
    redirect_slashes=False,
    dependencies=[Depends(BEARER)],
    generate_unique_id_function=lambda route: route.name,
)


async def _policies(request: Request) -> Policies:
    policies: Policies = request.app.state.policies
    return policies


async def _previewer(request: Request) -> Previewer:
    previewer: Previewer = request.app.state.previewer
    return previewer


Administering = Annotated[Principal, Depends(require("admin"))]


@router.get("", summary="The policy for identity", response_model=PolicyInForce, responses=ALWAYS)
async def read_policy(asking: Asking, policies: Annotated[Policies, Depends(_policies)]) -> Response:
    """Which identifiers tie contacts together and which tell people apart; how far the adoption of the next is."""
    return answer(await policies.in_force(asking.tenant))


@router.post("/preview", summary="What a policy would change", response_model=Preview, responses=PREVIEWED)
async def preview_policy(
    asking: Administering, wished: WishedPolicy, previewer: Annotated[Previewer, Depends(_previewer)]
) -> Response:
    """The tenant's real evidence, resolved by another policy: which customers would merge and which would split."""
    Policy.from_json(wished.policy)
    return answer(await previewer.preview(asking.tenant, wished.policy))


def add_policy_error_handlers(app: FastAPI) -> None:
    """Have the app answer what can't be previewed with a problem document."""

    def no_policy(_: Request, error: Exception) -> Response:
        return problem_response(Problem(_NO_POLICY, str(error), field="policy"))

    def busy(_: Request, error: Exception) -> Response:
        return problem_response(Problem(_BUSY, str(error), headers={"Retry-After": "5"}))

    def too_much(_: Request, error: Exception) -> Response:
        return problem_response(Problem(_TOO_MUCH, str(error)))

    app.add_exception_handler(InvalidPolicy, no_policy)
    app.add_exception_handler(Busy, busy)
    app.add_exception_handler(TooMuch, too_much)
