"""Answers about a tenant's quota: what is used of it, and the contacts beyond it, each as of one moment."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final, NamedTuple

from projections.customers.folds import CustomerPlace
from projections.quota.queries import (
    AccountUse,
    DayUse,
    QuotaPosition,
    boundary_of,
    contacts_after,
    contacts_of_customers_after,
    quota_use,
    used_by_account,
    used_by_day,
)
from projections.quota.thresholds import QuotaUse
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
from services.query.handlers.snapshots import Snapshot, snapshot
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
            first, last = _number(span.first), _number(span.last)
            days = await used_by_day(moment.connection, tenant, setting.unit, first, last)
            use = await quota_use(moment.connection, tenant)
        return _status(setting, accounts, use, days)

    async def over_quota(self, tenant: str, cursor: str | None, limit: int) -> QuotaContactPage:
        """A page of the contacts beyond the limit, or of the customers that are. Raises BadCursor."""
        async with snapshot(self._read_models, tenant) as moment:
            setting = await quota_setting(moment.connection, tenant)
            boundary = await boundary_of(moment.connection, tenant, setting)
            if boundary.customer is not None:
                return await _of_customers(moment, boundary.customer, cursor, limit)
            if boundary.address is not None:
                return await _of_addresses(moment, boundary.address, cursor, limit)
        return QuotaContactPage(contacts=[], next=None)


async def _of_addresses(moment: Snapshot, last: QuotaPosition, cursor: str | None, limit: int) -> QuotaContactPage:
    after = last if cursor is None else max(last, cursors.read_quota(cursor))
    found = await contacts_after(moment.connection, moment.tenant, after, limit + 1)
    page = [
        QuotaContact(
            contact=one.position.contact, display_name=one.display_name, subscribed_at=one.position.subscribed_at
        )
        for one in found[:limit]
    ]
    following = cursors.write_quota(found[limit - 1].position) if len(found) > limit else None
    return QuotaContactPage(contacts=page, next=following)


async def _of_customers(moment: Snapshot, last: CustomerPlace, cursor: str | None, limit: int) -> QuotaContactPage:
    after, contact = last, None
    if cursor is not None and (place := cursors.read_quota_customer(cursor)).after > last:
        after, contact = place
    found = await contacts_of_customers_after(moment.connection, moment.tenant, after, contact, limit + 1)
    page = [
        QuotaContact(contact=one.contact, display_name=one.display_name, subscribed_at=one.subscribed_at)
        for one in found[:limit]
    ]
    following = None
    if len(found) > limit:
        end = found[limit - 1]
        following = cursors.write_quota_customer(cursors.QuotaCustomerPlace(end.place, end.contact))
    return QuotaContactPage(contacts=page, next=following)


def _status(setting: QuotaSetting, accounts: list[AccountUse], use: QuotaUse, days: Iterable[DayUse]) -> QuotaStatus:
    used = use.used
    limit = setting.limit
    return QuotaStatus(
        limit=limit,
        unit=setting.unit,
        set_at=setting.set_at,
        used=used,
        share=used / limit if limit else None,
        remaining=None if limit is None else max(0, limit - used),
        over_quota=0 if limit is None else max(0, used - limit),
        current=use.current,
        channels=_channels(accounts),
        accounts=[QuotaAccount.model_validate(one._asdict()) for one in accounts],
        history=[QuotaDay(day=_EPOCH + timedelta(days=one.day), used=one.used) for one in days],
    )


def _channels(accounts: Iterable[AccountUse]) -> list[QuotaChannel]:
    used: dict[str, int] = {}
    for one in accounts:
        used[one.channel] = used.get(one.channel, 0) + one.used
    return [QuotaChannel.model_validate({"channel": channel, "used": number}) for channel, number in used.items()]


def _number(day: date) -> int:
    return (day - _EPOCH).days
