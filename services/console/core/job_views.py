"""What pages call a job, and what they show of its result (pure)."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from services.console.core.condition_forms import Say
from services.console.core.import_details import file_detail
from services.console.core.known_details import Detail
from services.console.core.list_views import channel_name, value_name
from services.query.core.job_models import JobView

JOBS: Final = "/console/jobs"
IMPORTS: Final = "/console/imports"
ERASURES: Final = "/console/erasures"
DAY: Final = 86_400_000  # ms
_TONES: Final = {"done": "good", "failed": "danger", "cancelled": "warn"}


class ShownJob(NamedTuple):
    """A job as pages show it: its title, what it is about, where its page is, and whether it can be undone now."""

    view: JobView
    title: str
    about: str
    href: str
    undoable: bool

    @property
    def unfinished(self) -> bool:
        """Whether it waits or runs."""
        return self.view.state in {"waiting", "running"}

    @property
    def cancellable(self) -> bool:
        """Whether it can be cancelled: half of an erasure may be done."""
        return self.unfinished and self.view.kind != "erasure"

    @property
    def tone(self) -> str:
        """The colour of its state."""
        return _TONES.get(self.view.state, "accent")


def shown(view: JobView, parameters: Mapping[str, Any], now: int, say: Say) -> ShownJob:
    """A job with words for what it does. ``now`` is in ms."""
    title, about = _WORDS.get(view.kind, _other)(parameters, say)
    imported = view.kind == "import"
    href = f"{IMPORTS}/{parameters['upload']}" if imported else f"{JOBS}/{view.id}"
    ended = view.finished_at
    undoable = view.kind == "bulk_action" and ended is not None and ended + DAY > now and view.undone_by is None
    return ShownJob(view, title or view.kind, about, href, undoable)


def state_name(state: str, say: Say) -> str:
    """What people call a job's state."""
    names = {
        "waiting": say("waiting"),
        "running": say("running"),
        "done": say("done"),
        "failed": say("failed"),
        "cancelled": say("cancelled"),
    }
    return names.get(state, state)


def remedy(problem: Mapping[str, Any], say: Say) -> str:
    """What to do about a job that failed."""
    if str(problem.get("type", "")).endswith("/rebuild-ended"):
        return say("What it said last stands below. Started again, it goes on where it was.")
    if str(problem.get("type", "")).endswith("/no-import"):
        return say("Change how the file is read or what its columns are, or mend the file and send it again.")
    return say("Ask for it again. If it fails again, ask for less at once.")


def failure_detail(problem: Mapping[str, Any], say: Say) -> Detail:
    """Why a job failed."""
    text = str(problem.get("detail") or problem.get("title", ""))
    return file_detail(text, say) if str(problem.get("type", "")).endswith("/no-import") else Detail(text, english=True)


def figures_of(view: JobView, say: Say) -> list[tuple[str, int]]:
    """The numbers of a bulk action's result, or of its undoing's, with their names."""
    result = view.result or {}
    undone = view.kind == "bulk_undo"
    skipped = result.get("skipped")
    found = [
        (say("Changed back") if undone else say("Changed"), result.get("changed")),
        (say("Nothing left to undo") if undone else say("So already"), result.get("unchanged")),
        (say("Skipped"), sum(skipped.values()) if isinstance(skipped, dict) else skipped),
    ]
    return [(name, number) for name, number in found if isinstance(number, int)]


def _export(parameters: Mapping[str, Any], say: Say) -> tuple[str, str]:
    order = parameters["order"]
    rows = say("one row for each contact") if order.get("rows") == "contacts" else say("one row for each customer")
    return say("Export"), f"{rows} · {'Excel' if order.get('format') == 'xlsx' else 'CSV'}"


def _import(parameters: Mapping[str, Any], say: Say) -> tuple[str, str]:
    order = parameters["order"]
    about = say("customers by member ID")
    if order["kind"] == "contacts":
        about = f"{channel_name(order['channel'], say)} · {order['account']}"
    return say("Check of a file") if parameters["dry_run"] else say("Import"), about


def _bulk(parameters: Mapping[str, Any], say: Say) -> tuple[str, str]:
    action = parameters["order"]["action"]
    titles = {
        "tag": say("Add a tag"),
        "untag": say("Remove a tag"),
        "set": say("Set an attribute"),
        "unsubscribe": say("Unsubscribe"),
        "resubscribe": say("Subscribe again"),
        "bind": say("Put staff in charge"),
    }
    abouts = {
        "set": f"{action.get('key')} = {action.get('value')}",
        "bind": f"{action.get('member')} · {action.get('branch')}",
    }
    kinds = say(", ").join(value_name("opted_out", str(one), say) for one in action.get("kinds", ()))
    about = abouts.get(action["do"], str(action.get("tag", "")) or kinds)
    return titles.get(action["do"], ""), about


def _undo(parameters: Mapping[str, Any], say: Say) -> tuple[str, str]:
    title, about = _bulk(parameters, say)
    return say("Undo"), f"{title} · {about}"


def _erasure(_: Mapping[str, Any], say: Say) -> tuple[str, str]:
    return say("Erasure"), ""


def _rebuild(_: Mapping[str, Any], say: Say) -> tuple[str, str]:
    return say("Rebuild"), say("read models of all tenants")


def _other(_: Mapping[str, Any], __: Say) -> tuple[str, str]:
    return "", ""


_WORDS: Final = {
    "export": _export,
    "import": _import,
    "bulk_action": _bulk,
    "bulk_undo": _undo,
    "erasure": _erasure,
    "rebuild": _rebuild,
}
