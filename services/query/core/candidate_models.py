"""The shapes of candidates: pairs of customers that are probably one person."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.query.core.models import Shape, Timestamp


class ComparedCustomer(Shape):
    """One of the two customers."""

    id: UUID
    contact: Annotated[
        str | None,
        Field(
            description="the key of the contact that the id is of, to be named in a decision; null if that contact has "
            "no event of its own",
            examples=["line:oa-taipei:Uc0ffee"],
        ),
    ]
    names: Annotated[list[str], Field(description="what its contacts are called", examples=[["林小美"]])]
    member_ids: Annotated[list[str], Field(examples=[["M7"]])]


class CandidateSign(Shape):
    """What speaks for the two being one person, or, with a weight below 0, against it."""

    sign: Annotated[
        str,
        Field(
            description="`name`, `birthday`, `address`, `local_part`, `similar_phone`, `alias`, or the type of an "
            "identifier that both have",
            examples=["birthday"],
        ),
    ]
    weight: Annotated[float, Field(examples=[5.0])]
    words: Annotated[str, Field(examples=["both were born on 1990-01-31"])]
    values: Annotated[
        list[str], Field(description="what is compared: of the one and of the other", examples=[["1990-01-31"] * 2])
    ]
    reasons: Annotated[
        list[str], Field(description="why links by the value were refused, as in conflicts", examples=[["shared"]])
    ]


class CandidatePair(Shape):
    """Two customers that no rule joins."""

    a: ComparedCustomer
    b: ComparedCustomer
    score: Annotated[float, Field(ge=0, le=1, description="how probably the two are one person", examples=[0.88])]
    signs: Annotated[list[CandidateSign], Field(description="the weightiest first")]


class CandidatePage(Shape):
    """Candidates, the best first. A page may hold fewer than were asked for; only ``next`` tells if there are more."""

    candidates: list[CandidatePair]
    compared_at: Annotated[
        Timestamp | None,
        Field(description="when the latest comparison of all customers began; null while there was none"),
    ]
    next: Annotated[str | None, Field(description="the cursor of the next page; null at the end")]
