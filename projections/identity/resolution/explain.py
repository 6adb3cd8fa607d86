"""Explains why two nodes are one customer, or why not, from their links; and what would make them one.

*Together*: the shortest chain of accepted links between the two. *Apart*: the chain with the fewest obstacles, where an
obstacle is a link that was refused, or a statement that makes none; without any chain, evidence is missing. Which of
several equally good chains is given depends on the links alone.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal, NamedTuple
from urllib.parse import quote

import orjson

from projections.identity.resolution.links import CONTACT, MEMBER_ID, SESSION, STAFF, Node, Refusal, Value
from projections.identity.resolution.policy import X_RULE, Policy

ACCEPTED: Final = "accepted"
NODE_VALUES: Final = frozenset({CONTACT, STAFF, SESSION})  # the types whose value is another node
Unlinked = Literal["retracted", "no_tier", "too_many_claims", "other_session"]
Fate = Literal["accepted"] | Refusal | Unlinked
UNLINKED_MEANINGS: Final[Mapping[str, str]] = {
    "retracted": "what was stated was taken back",
    "no_tier": "the policy gives no weight to such a statement",
    "other_session": "it was stated while another member was logged in",
}
_SENTENCES: Final[Mapping[str, str]] = {
    "generic": "More people than one person can be hold this {type}, so it ties nobody: a login of both as one member, "
    "or another value that both verify, would tie them together.",
    "shared_device": "Too many people used this contact: state the {type} of another contact of the person.",
    "superseded": "The contact has a later {type}, which counts: state this one again if it is right.",
    "retracted": "The {type} was taken back: state it again if it is right.",
    "too_many_claims": "The contact claims too many values of the type {type}: have this one verified.",
    "no_tier": "The tenant's policy gives no weight to this {type}: have it verified, or change the policy.",
    "other_session": "What was stated while {session} was logged in is theirs: state it again of the person who is "
    "logged in now, if it is that person's.",
}
DECISIONS: Final = "POST /v1/identity/decisions"


class ChainStep(NamedTuple):
    """One link: of a node to an identifier, or with type ``staff``, ``contact`` or ``session`` to another node.

    ``tier`` and ``since`` are None for a statement that makes no link.
    """

    node: Node
    type: str
    value: Value
    tier: int | None
    since: int | None
    fate: Fate
    detail: tuple[str, ...] = ()


class Remedy(NamedTuple):
    """What would make the two one, as a sentence; ``request`` is how to ask for it, if one request does it."""

    text: str
    request: str | None = None


Chain = tuple[ChainStep, ...]
_Vertex = Node | tuple[str, str, str]  # a node, or an identifier: "", its type and its value
_Edges = Mapping[_Vertex, list[tuple[ChainStep, _Vertex]]]
_CameBy = dict[_Vertex, tuple[ChainStep, _Vertex] | None]


def chain_between(steps: Iterable[ChainStep], one: Node, other: Node) -> Chain:
    """The chain with the fewest obstacles, and the shortest of accepted links: breadth first by obstacles."""
    edges = _edges(steps)
    came_by: _CameBy = {one: None}
    front: deque[_Vertex] = deque([one])
    while front and other not in came_by:
        reached = _expand(front, edges, came_by)
        front = deque()
        for vertex in reached:
            for step, far in edges.get(vertex, ()):
                if far not in came_by:
                    came_by[far] = (step, vertex)
                    front.append(far)
    return tuple(_path_to(came_by, other))


def step_order(step: ChainStep) -> tuple[bool, int, int, str, Node, Node]:
    """The order of *join*; what makes no link comes last."""
    value = step.value if isinstance(step.value, tuple) else (step.value, "")
    return (step.tier is None, step.tier or 0, step.since or 0, step.type, value, step.node)


def obstacles(chain: Chain) -> int:
    """How many steps of a chain join nothing."""
    return sum(step.fate != ACCEPTED for step in chain)


def unlinked_reason(type_name: str, stated: Iterable[str], policy: Policy, *, retracted: bool) -> Unlinked:
    """Why live statements, or ``retracted`` ones, of these assurances make no link."""
    if retracted:
        return "retracted"
    rule = policy.rule(type_name) or X_RULE
    tiers = {"verified": rule.verified, "stated": rule.stated, "claimed": rule.claimed}
    return "no_tier" if all(tiers[one] is None for one in stated) else "too_many_claims"


def remedies(
    chain: Chain, one: str, other: str, members: tuple[str | None, str | None] = (None, None)
) -> tuple[Remedy, ...]:
    """What would make two contacts one customer, by what stands in their chain.

    ``members`` are the member ids of their customers. Two different ones must be merged: staff cannot join them.
    """
    found = [remedy for step in chain for remedy in _remedies_of(step, one, other)]
    different = sorted({one for one in members if one is not None})
    if len(different) > 1:
        left = (it for it in found if it != _decide(one, other))
        return tuple(dict.fromkeys([*left, _merge(*different)]))
    if not chain:
        found = [
            Remedy("A login of both as one member, or one phone or e-mail that both verify, would tie them together."),
            _decide(one, other),
        ]
    return tuple(dict.fromkeys(found))


def _remedies_of(step: ChainStep, one: str, other: str) -> Iterator[Remedy]:
    if step.fate in {"exclusive_conflict", "shared"}:
        yield from _told_apart(step, one, other)
    elif step.fate == "decided_different":
        first, second = step.detail or (one, other)
        yield Remedy("Take the decision of staff back.", _decision(first, second, "undecided"))
    elif step.fate != ACCEPTED:
        yield Remedy(_SENTENCES[step.fate].format(type=step.type, session=step.node[1]))
    if step.fate in {"generic", "shared_device"} and step.type != MEMBER_ID:
        yield _decide(one, other)


def _told_apart(step: ChainStep, one: str, other: str) -> Iterator[Remedy]:
    if not step.detail:
        return
    type_name, first, second = step.detail
    if type_name == MEMBER_ID:
        yield _merge(first, second)
        return
    yield Remedy(f"The values {first} and {second} of the type {type_name} tell two people apart.")
    if step.fate == "shared":
        yield Remedy("A login of both as one member would tie them together.")
        yield _decide(one, other)
    else:
        yield Remedy(
            f"If one of the two values is wrong, take it back: POST /v1/events, identity.unbound, {type_name}."
        )


def _merge(first: str, second: str) -> Remedy:
    path = f"POST /v1/members/{quote(second, safe='')}/merge"
    return Remedy(
        f"{first} and {second} are two member ids: merge them if they are one person's.",
        f"{path} {_json({'into': first})}",
    )


def _decide(one: str, other: str) -> Remedy:
    return Remedy("Staff can decide that the two are one person.", _decision(one, other, "same"))


def _decision(one: str, other: str, decision: str) -> str:
    return f"{DECISIONS} {_json({'a': one, 'b': other, 'decision': decision, 'by': 'YOUR NAME'})}"


def _json(body: Mapping[str, str]) -> str:
    return orjson.dumps(body).decode()


# --- the search


def _far_side(step: ChainStep) -> _Vertex:
    return step.value if isinstance(step.value, tuple) else ("", step.type, step.value)


def _edges(steps: Iterable[ChainStep]) -> _Edges:
    edges: dict[_Vertex, list[tuple[ChainStep, _Vertex]]] = {}
    for step in sorted(steps, key=step_order):
        far = _far_side(step)
        edges.setdefault(step.node, []).append((step, far))
        edges.setdefault(far, []).append((step, step.node))
    return edges


def _expand(front: deque[_Vertex], edges: _Edges, came_by: _CameBy) -> list[_Vertex]:
    """All that accepted links reach from the front, which is emptied."""
    reached: list[_Vertex] = []
    while front:
        vertex = front.popleft()
        reached.append(vertex)
        for step, far in edges.get(vertex, ()):
            if step.fate == ACCEPTED and far not in came_by:
                came_by[far] = (step, vertex)
                front.append(far)
    return reached


def _path_to(came_by: _CameBy, vertex: _Vertex) -> Iterable[ChainStep]:
    steps: list[ChainStep] = []
    link = came_by.get(vertex)
    while link is not None:
        step, vertex = link
        steps.append(step)
        link = came_by[vertex]
    return reversed(steps)
