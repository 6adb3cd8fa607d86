"""The work lists show whatever the read models may hold."""

from types import SimpleNamespace
from typing import Any
from uuid import UUID

from starlette.requests import Request

from services.console.core.roles import SCOPES_OF
from services.console.http.visits import Visit
from services.console.http.work_lists import show_candidates
from services.control.console_sessions import ConsoleSession
from services.query.core.candidate_models import CandidatePage, CandidatePair, CandidateSign, ComparedCustomer

SESSION = ConsoleSession(b"hash", "demo", "Demo", "TW", frozenset(SCOPES_OF["agent"]), "console", "amy", "link:agent")


async def test_a_pair_of_customers_without_names_is_shown_by_their_ids() -> None:
    a, b = (ComparedCustomer(id=UUID(int=number), contact=None, names=[], member_ids=[]) for number in (1, 2))
    pair = CandidatePair(
        a=a,
        b=b,
        score=0.5,
        signs=[CandidateSign(sign="birthday", weight=1.0, words="both", values=["1990-01-31"] * 2, reasons=[])],
    )

    async def page(*_: Any) -> CandidatePage:
        return CandidatePage(candidates=[pair], compared_at=None, next=None)

    state = SimpleNamespace(candidates=SimpleNamespace(page=page))
    scope = {"type": "http", "method": "GET", "path": "/console/identity/candidates", "query_string": b""}
    request = Request(scope | {"headers": [], "app": SimpleNamespace(state=state)})
    answer = await show_candidates(Visit(request, SESSION, "secret", 1_735_660_800_000))
    assert answer.status_code == 200
    shown = bytes(answer.body).decode()
    assert str(UUID(int=1)) in shown
    assert "未具名的顧客" in shown
