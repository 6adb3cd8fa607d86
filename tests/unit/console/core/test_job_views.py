"""Jobs in words: what each does, and whether it can be undone."""

from typing import Any
from uuid import UUID

import pytest

from services.console.core.job_views import DAY, figures_of, remedy, shown
from services.query.core.job_models import JobProgress, JobView

JOB, OTHER = UUID(int=1), UUID(int=2)
NOW = 10 * DAY
CONTACTS = {"kind": "contacts", "channel": "line", "account": "oa1"}


def a_job(kind: str, **changes: Any) -> JobView:
    given = {
        "id": JOB,
        "kind": kind,
        "state": "done",
        "progress": JobProgress(done=3, total=3),
        "requested_by": "amy",
        "requested_at": NOW - DAY,
        "started_at": NOW - DAY,
        "finished_at": NOW - 1,
        "attempt": 1,
        "problem": None,
        "result": None,
        "undone_by": None,
        "file": None,
    }
    return JobView.model_validate(given | changes)


def say(sentence: str) -> str:
    return f"<{sentence}>"


def action(**fields: Any) -> dict[str, Any]:
    return {"order": {"action": fields}}


@pytest.mark.parametrize(
    ("kind", "parameters", "title", "about"),
    [
        ("export", {"order": {"format": "xlsx"}}, "<Export>", "<one row for each customer> · Excel"),
        ("export", {"order": {"rows": "contacts"}}, "<Export>", "<one row for each contact> · CSV"),
        ("import", {"order": CONTACTS, "dry_run": True, "upload": OTHER}, "<Check of a file>", "LINE · oa1"),
        ("import", {"order": {"kind": "customers"}, "dry_run": False, "upload": OTHER}, "<Import>", ""),
        ("bulk_action", action(do="tag", tag="vip"), "<Add a tag>", "vip"),
        ("bulk_action", action(do="set", key="size", value="M"), "<Set an attribute>", "size = M"),
        ("bulk_action", action(do="unsubscribe", kinds=["broadcast", "sms"]), "<Unsubscribe>", "<broadcasts><, >sms"),
        ("bulk_action", action(do="bind", member="amy", branch="tp"), "<Put staff in charge>", "amy · tp"),
        ("bulk_undo", action(do="untag", tag="vip"), "<Undo>", "<Remove a tag> · vip"),
        ("erasure", {"erasure": OTHER}, "<Erasure>", ""),
        ("a kind of tomorrow", {}, "a kind of tomorrow", ""),
    ],
)
def test_each_kind_of_job_has_words(kind: str, parameters: dict[str, Any], title: str, about: str) -> None:
    one = shown(a_job(kind), parameters, NOW, say)
    assert one.title == title
    assert about in one.about
    assert one.href == (f"/console/imports/{OTHER}" if kind == "import" else f"/console/jobs/{JOB}")


@pytest.mark.parametrize(
    ("changes", "undoable"),
    [
        ({}, True),
        ({"finished_at": NOW - DAY}, False),
        ({"finished_at": None, "state": "running"}, False),
        ({"undone_by": OTHER}, False),
        ({"state": "cancelled"}, True),
        ({"kind": "bulk_undo"}, False),
    ],
)
def test_a_bulk_action_can_be_undone_for_a_day_after_it_ended(changes: dict[str, Any], *, undoable: bool) -> None:
    job = a_job(**{"kind": "bulk_action"} | changes)
    assert shown(job, action(do="tag", tag="vip"), NOW, say).undoable is undoable


def test_results_are_numbers_with_names() -> None:
    result = {"changed": 5, "unchanged": 2, "skipped": {"merged": 1, "erased": 2}}
    assert figures_of(a_job("bulk_action", result=result), say) == [
        ("<Changed>", 5),
        ("<So already>", 2),
        ("<Skipped>", 3),
    ]
    assert figures_of(a_job("export"), say) == []


def test_what_to_do_about_a_failure_depends_on_it() -> None:
    assert "mend the file" in remedy({"type": "/problems/no-import"}, say)
    assert "less at once" in remedy({"title": "?"}, say)
