"""Whose contacts the data of a person are who asks Meta to have them deleted.

Meta names the person by an id that its app has for the person, which is no contact's uid. A brand that knows it, as
from Facebook Login, states it on the contact that it made of the login, as an identifier of the type `APP_USER`.
"""

from typing import Final

from projections.engine.connection import Connection
from projections.identity.queries import contacts_of_customer, holders, keys_of
from projections.identity.resolution.policy import X_RULE, Policy
from projections.identity.resolution.values import Normalised, normalise
from projections.identity.resolutions import ResolutionInUse

APP_USER: Final = "x_meta_app_user"
_MOST_HOLDERS: Final = 50
_META: Final = ("facebook:", "instagram:")
_BROWSER: Final = "web:"
_MEMBER: Final = "user:"  # begins the uid of a member who is known to the site


async def contacts_of_app_user(
    connection: Connection, resolution: ResolutionInUse, policy: Policy, app_user: str
) -> list[str]:
    """The keys of the contacts on which the id is stated, and of those on Meta's channels of the same customers.

    Who only claims the id, or is tied to the customer by claims alone, is left out: anybody can claim. So is a browser,
    which others may use, and an id that a rule of identity takes for several people's.
    """
    read = normalise(APP_USER, app_user, policy)
    if not isinstance(read, Normalised):
        return []
    found = await holders(connection, resolution.key, (APP_USER, read.value), limit=_MOST_HOLDERS)
    is_claim = (policy.rule(APP_USER) or X_RULE).is_claim
    firm = [one for one in found if one.accepted and not is_claim(one.tier)]
    ids = {one.contact_id for one in firm if not _is_browser(one.contact)}
    for customer_id in {one.customer_id for one in firm if one.customer_id is not None}:
        members = await contacts_of_customer(connection, resolution.key, customer_id)
        ids |= {one.contact_id for one in members if one.contact.startswith(_META) and one.by_claim is not True}
    return sorted((await keys_of(connection, resolution.tenant, list(ids))).values())


def _is_browser(contact_key: str) -> bool:
    return contact_key.startswith(_BROWSER) and not contact_key.split(":", 2)[2].startswith(_MEMBER)
