"""Answers about a tenant's custom attributes: those that are defined, and those that customers have without it."""

from projections.settings.queries import DefinedAttribute, attribute_definitions, used_attributes
from services.query.core.attribute_models import AttributePage, AttributeView
from services.query.handlers.snapshots import snapshot
from services.query.ports import ReadModels


class AttributeReader:
    """Answers for one tenant at a time. Raises ReadModelsUnavailable."""

    def __init__(self, read_models: ReadModels) -> None:
        self._read_models = read_models

    async def page(self, tenant: str, after: str, limit: int) -> AttributePage:
        """The next attributes after a key."""
        async with snapshot(self._read_models, tenant) as moment:
            defined = await attribute_definitions(moment.connection, tenant)
            following = {one.key: one for one in defined if one.key > after}
            used = await used_attributes(moment.connection, tenant, after, len(following) + limit + 1)
        keys = sorted({*following, *used})
        views = [_view(key, following.get(key), used.get(key, 0)) for key in keys[:limit]]
        return AttributePage(attributes=views, next=keys[limit - 1] if len(keys) > limit else None)


def _view(key: str, definition: DefinedAttribute | None, customers: int) -> AttributeView:
    if definition is None:
        return AttributeView(key=key, defined=False, customers=customers)
    return AttributeView(
        key=key,
        defined=True,
        type=definition.type,
        display_name=definition.display_name,
        names=dict(definition.names) or None,
        description=definition.description,
        archived=definition.archived,
        defined_at=definition.defined_at,
        customers=customers,
    )
