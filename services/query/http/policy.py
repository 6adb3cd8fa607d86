"""The tenant's identity policy over HTTP, and what another one would change. Ingress takes the event that sets one."""

from typing import Annotated

from fastapi import Depends, Path, Request
from starlette.responses import Response

from projections.identity.resolution.policy import Policy
from services.query.core.policy_models import PolicySettings, PolicyStatus, Preview, WishedPolicy
from services.query.handlers.policies import Policies
from services.query.http.parameters import ABOUT_NOW, AdministeringMuch, AskingSettings
from services.query.http.responses import PREVIEWED, SPANNED, answer
from services.query.ports import PolicyPreviewer
from services.runtime.api import COMMON_PROBLEMS, keyed_router

router = keyed_router("/v1/identity/policy", "identity")


async def _policies(request: Request) -> Policies:
    policies: Policies = request.app.state.policies
    return policies


async def _previewer(request: Request) -> PolicyPreviewer:
    previewer: PolicyPreviewer = request.app.state.previewer
    return previewer


@router.get(
    "",
    summary="The policy for identity",
    response_model=PolicyStatus,
    responses=COMMON_PROBLEMS,
    dependencies=ABOUT_NOW,
)
async def read_policy(asking: AskingSettings, policies: Annotated[Policies, Depends(_policies)]) -> Response:
    """Which identifiers tie contacts together and which tell people apart; how far the adoption of the next is."""
    return answer(await policies.in_force(asking.tenant))


@router.get(
    "/versions/{version:path}",
    summary="A version of the policy",
    response_model=PolicySettings,
    responses=SPANNED,
    dependencies=ABOUT_NOW,
)
async def read_policy_version(
    asking: AskingSettings,
    version: Annotated[str, Path(max_length=255, examples=["default"])],
    policies: Annotated[Policies, Depends(_policies)],
) -> Response:
    """A policy as it was set: setting it again is the way back to it. ``default`` has no settings."""
    return answer(await policies.version(asking.tenant, version))


@router.post("/preview", summary="What a policy would change", response_model=Preview, responses=PREVIEWED)
async def preview_policy(
    asking: AdministeringMuch, wished: WishedPolicy, previewer: Annotated[PolicyPreviewer, Depends(_previewer)]
) -> Response:
    """The tenant's real evidence, resolved by another policy: which customers would merge and which would split."""
    Policy.from_json(wished.policy)
    return answer(await previewer.preview(asking.tenant, wished.policy))
