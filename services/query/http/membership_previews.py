"""Previews of commands over HTTP: which customers would join and part. Ingress takes the commands themselves."""

from typing import Annotated

from fastapi import Depends, Path, Request
from starlette.responses import Response

from services.query.core.membership_previews import (
    MembershipChanges,
    MergeInto,
    MergePair,
    MergePairs,
    WishedDecision,
)
from services.query.handlers.membership_previews import MembershipPreviews
from services.query.http.parameters import AskingMuch, Now
from services.query.http.responses import MERGE_PREVIEWED, PREVIEWED_DECISION, answer
from services.runtime.api import keyed_router

router = keyed_router("/v1", "identity")


async def _previews(request: Request) -> MembershipPreviews:
    previews: MembershipPreviews = request.app.state.membership_previews
    return previews


Previewing = Annotated[MembershipPreviews, Depends(_previews)]
PreviewedMemberId = Annotated[
    str, Path(max_length=512, description="percent-encoded: a slash is `%2F`", examples=["M7"])
]


@router.post(
    "/members/{member_id:path}/merge/preview",
    summary="What merging two members would change",
    response_model=MembershipChanges,
    responses=MERGE_PREVIEWED,
)
async def preview_member_merge(
    asking: AskingMuch, previews: Previewing, member_id: PreviewedMemberId, wished: MergeInto, at: Now
) -> Response:
    """The customers that would join or part if the member id became another, or, with null, itself again."""
    return answer(await previews.merges(asking.tenant, [MergePair(member_id=member_id, into=wished.into)], at))


@router.post(
    "/members/merges/preview",
    summary="What merging many members would change",
    response_model=MembershipChanges,
    responses=MERGE_PREVIEWED,
)
async def preview_member_merges(asking: AskingMuch, previews: Previewing, wished: MergePairs, at: Now) -> Response:
    """The same of up to a hundred merges that are made together."""
    return answer(await previews.merges(asking.tenant, wished.merges, at))


@router.post(
    "/identity/decisions/preview",
    summary="What a decision of staff would change",
    response_model=MembershipChanges,
    responses=PREVIEWED_DECISION,
)
async def preview_decision(asking: AskingMuch, previews: Previewing, wished: WishedDecision, at: Now) -> Response:
    """The customers that would join or part, and the links that would be refused, if staff decided so now."""
    return answer(await previews.decision(asking.tenant, wished, at))
