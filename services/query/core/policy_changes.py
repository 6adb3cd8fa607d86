"""What a policy changes against another one, part by part (pure)."""

from collections.abc import Iterator
from typing import Any

from projections.identity.resolution.policy import Policy
from services.query.core.policy_models import PolicyChange


def policy_changes(before: Policy, after: Policy) -> list[PolicyChange]:
    """The parts that differ, in the order of the policy's parts; types by their names."""
    old, new = before.to_json(), after.to_json()
    old_types, new_types = old.pop("types"), new.pop("types")
    found = [*_differing("", old, new)]
    for name in sorted(old_types.keys() | new_types.keys()):
        found.extend(_of_type(f"types.{name}", _rule(before, name), _rule(after, name)))
    return found


def _rule(policy: Policy, name: str) -> dict[str, Any] | None:
    rule = policy.rule(name)
    return None if rule is None else rule.model_dump(mode="json")


def _of_type(part: str, before: dict[str, Any] | None, after: dict[str, Any] | None) -> Iterator[PolicyChange]:
    if before is None or after is None:
        yield PolicyChange(part=part, before=before, after=after)
    else:
        yield from _differing(f"{part}.", before, after)


def _differing(where: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[PolicyChange]:
    for name, was in before.items():
        sides = was, after[name]
        if isinstance(was, list):
            sides = _without(was, after[name]), _without(after[name], was)
        if was != after[name]:
            yield PolicyChange(part=f"{where}{name}", before=sides[0], after=sides[1])


def _without(patterns: list[str], others: list[str]) -> list[str]:
    return [one for one in dict.fromkeys(patterns) if one not in set(others)]
