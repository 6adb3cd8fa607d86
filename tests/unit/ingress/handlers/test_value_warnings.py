"""An answer lists a bounded number of warnings, and says how many more there are."""

from collections.abc import Mapping, Sequence

from projections.identity.resolution.policy import Policy
from services.ingress.core.stated_values import StatedValue
from services.ingress.handlers.value_warnings import MOST_WARNINGS, Warnings, warnings_of


class _Identity:
    """The identity of tenants whose policy blocks one value each, the tenant's name; it counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def policy(self, tenant: str) -> Policy:
        self.asked.append(tenant)
        return Policy.from_json({"blocked": [tenant]})

    async def member_ids(self, tenant: str, contacts: Sequence[str]) -> list[str | None]:
        raise NotImplementedError

    async def known_members(self, tenant: str, ids: Sequence[str]) -> Mapping[str, str]:
        raise NotImplementedError


def _members(*values: str) -> list[StatedValue]:
    return [StatedValue(None, "member_id", value) for value in values]


async def test_where_nothing_is_stated_nothing_is_asked() -> None:
    identity = _Identity()
    assert await warnings_of("acme", [], identity) == Warnings()
    assert identity.asked == []


async def test_the_tenants_policy_decides() -> None:
    warnings = await warnings_of("acme", _members("acme", "other", "guest"), _Identity())
    assert [one.value for one in warnings.first] == ["acme"]
    assert warnings.left_off == 0


async def test_the_first_are_listed_and_the_others_counted() -> None:
    stated = [StatedValue(f"web:shop:{number}", "phone", "1") for number in range(MOST_WARNINGS + 7)]
    warnings = await warnings_of("acme", stated, _Identity())
    assert [one.contact for one in warnings.first] == [one.contact for one in stated[:MOST_WARNINGS]]
    assert warnings.left_off == 7
