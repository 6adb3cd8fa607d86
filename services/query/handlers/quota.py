"""Answers about a tenant's quota: what is used of it, and the contacts beyond it, each as of one moment."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final, NamedTuple

from projections.quota.queries import (
    AccountUse,
    CustomerUse,
    DayUse,
    QuotaPosition,
    boundary_of,
    contacts_after,
    used_by_account,
    used_by_customers,
    used_by_day,
)
from projections.settings.queries import QuotaSetting, quota_setting
from services.query.core import cursors
from services.query.core.quota_models import (
    QuotaAccount,
    QuotaChannel,
    QuotaContact,
    QuotaContactPage,
    QuotaDay,
    QuotaStatus,
)
from services.query.handlers.snapshots import snapshot
from services.query.ports import ReadModels

_EPOCH: Final = date(1970, 1, 1)


class DaySpan(NamedTuple):
    """The days of a history, both included."""

    first: date
    last: date


class QuotaReader:
    """Answers for one tenant at a time. Raises ReadModelsUnavailable."""

    def __init__(self, read_models: ReadModels) -> None:
        self._read_models = read_models

    async def status(self, tenant: str, span: DaySpan) -> QuotaStatus:
        """What is used at this moment, and what was on each day of the span."""
        async with snapshot(self._read_models, tenant) as moment:
            setting = await quota_setting(moment.connection, tenant)
            accounts = await used_by_account(moment.connection, tenant)
            days = await used_by_day(moment.connection, tenant, _number(span.first), _number(span.last))
            customers = None
            if setting.unit == "customers":
                customers = await used_by_customers(moment.connection, tenant)
        return _status(setting, accounts, customers, days)

    async def over_quota(self, tenant: str, cursor: str | None, limit: int) -> QuotaContactPage:
        """A page of the contacts beyond the limit; none while it counts customers. Raises BadCursor."""
        async with snapshot(self._read_models, tenant) as moment:
            setting = await quota_setting(moment.connection, tenant)
            boundary = await boundary_of(moment.connection, tenant, setting)
            if boundary is None:
                return QuotaContactPage(contacts=[], next=None)
            after = boundary if cursor is None else max(boundary, cursors.read_quota(cursor))
            found = await contacts_after(moment.connection, tenant, after, limit + 1)
        page = found[:limit]
        return QuotaContactPage(
            contacts=[
                QuotaContact(
                    contact=_key(one.position), display_name=one.display_name, subscribed_at=one.position.subscribed_at
                )
                for one in page
            ],
            next=cursors.write_quota(page[-1].position) if len(found) > limit else None,
        )


def _status(
    setting: QuotaSetting, accounts: list[AccountUse], customers: CustomerUse | None, days: Iterable[DayUse]
) -> QuotaStatus:
    used = sum(one.used for one in accounts) if customers is None else customers.used
    limit = setting.limit
    return QuotaStatus(
        limit=limit,
        unit=setting.unit,
        set_at=setting.set_at,
        used=used,
        share=used / limit if limit else None,
        remaining=None if limit is None else max(0, limit - used),
        over_quota=0 if limit is None else max(0, used - limit),
        current=customers is None or customers.current,
        channels=_channels(accounts),
        accounts=[QuotaAccount.model_validate(one._asdict()) for one in accounts],
        history=[QuotaDay(day=_EPOCH + timedelta(days=one.day), used=one.used) for one in days],
    )


def _channels(accounts: Iterable[AccountUse]) -> list[QuotaChannel]:
    used: dict[str, int] = {}
    for one in accounts:
        used[one.channel] = used.get(one.channel, 0) + one.used
    return [QuotaChannel.model_validate({"channel": channel, "used": number}) for channel, number in used.items()]


def _key(position: QuotaPosition) -> str:
    return ":".join(position[1:])


def _number(day: date) -> int:
    return (day - _EPOCH).days
