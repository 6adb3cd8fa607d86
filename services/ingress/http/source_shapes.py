"""The shapes of sources in requests and answers. Requests may contain secrets; answers never do."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator

from schemas.events.base import Account, TenantId
from schemas.events.conversation import Purpose
from services.control.channel_consoles import webhook_path
from services.control.sites import SiteCredentials
from services.control.source_options import Rate, SignedLogins, SourceOptions, Storable
from services.control.source_service import MOST_SECRETS, SourceDraft
from services.control.sources import Source
from services.control.write_keys import KeyKind, WriteKey
from services.ingress.core.source_health import HealthState, SourceHealth
from services.ingress.handlers.doctor import State

NewChannel = Literal["line", "meta", "facebook", "instagram", "whatsapp", "web"]
ShownChannel = Literal[NewChannel, "crm"]
Secret = Annotated[SecretStr, Field(min_length=1, max_length=1024)]
Token = Annotated[
    SecretStr,
    Field(
        max_length=255,
        description="What Meta has to say when it first calls. Left out of a new source, one is made up, which "
        "`onefold sources show` tells; left out of a change, it stays.",
    ),
]

_KEY_FIELDS: Final[dict[KeyKind, str]] = {"public": "write_key", "server": "server_key"}


class _Taken(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SourceFacts(_Taken):
    """What of a source may be changed. What is left out is unset, but for the verify token."""

    account: Account | None = Field(None, description="As contacts shall show it; null: the one each webhook names.")
    provider: Storable | None = Field(None, description="LINE's provider, or Meta's portfolio, of the account.")
    name: Storable | None = Field(None, description="Its name for people.")
    senders: dict[Storable, Purpose] = Field(
        default_factory=dict,
        max_length=100,
        description="Meta: ids of apps that send for the brand, and what each sends.",
    )
    rate: Rate | None = Field(None, description="Most requests a second; null: as the service is set.")
    verify_token: Token | None = None
    signed_logins: SignedLogins | None = Field(
        None,
        description="A website: whether a login that comes with a public write key has to be signed. Left out of a "
        "new source, it is `optional`; left out of a change, it stays.",
    )

    def options(self, before: SignedLogins = "optional") -> SourceOptions:
        """The part that is kept as options; ``before`` is what signed logins were."""
        return SourceOptions(
            name=self.name, senders=self.senders, rate=self.rate, signed_logins=self.signed_logins or before
        )

    def token(self) -> str | None:
        """The verify token in the open."""
        return None if self.verify_token is None else self.verify_token.get_secret_value()


class NewSource(SourceFacts):
    """A channel's account to be connected."""

    source: TenantId = Field(description="A name of your choice; it becomes part of the webhook's URL.")
    channel: NewChannel = Field(
        description="`meta`: Messenger, Instagram and WhatsApp of one app of Meta's. `web`: a website, which needs an "
        "account, and is answered its two write keys and its login secret, this once."
    )
    secrets: Annotated[list[Secret], Field(max_length=MOST_SECRETS)] = Field(
        default_factory=list,
        validate_default=True,
        description="The channel's secrets that webhooks may be signed with, the newest last, one at least. A "
        "website's sign its logins, of 16 bytes at least; left out, one is made up. Those given are never shown.",
    )

    @field_validator("secrets")
    @classmethod
    def _signed_or_a_website(cls, secrets: list[SecretStr], known: ValidationInfo) -> list[SecretStr]:
        website = known.data.get("channel") == "web"
        if website and known.data.get("account") is None:
            raise ValueError("a website has an account")
        if not website and not secrets:
            raise ValueError("a source needs a secret, or nobody could sign for it")
        if not website and known.data.get("signed_logins"):
            raise ValueError("signed logins are for websites")
        return secrets

    def wanted(self, tenant: str) -> SourceDraft:
        """What is to be connected for the tenant."""
        secrets = tuple(secret.get_secret_value().encode() for secret in self.secrets)
        facts = (self.source, tenant, self.channel, self.account, self.provider)
        return SourceDraft(*facts, secrets, self.token(), self.options())


class ChangedSource(SourceFacts):
    """A source as it shall be from now on."""

    disabled: bool = Field(default=False, description="Whether its webhooks are answered with 404.")


class NewSecret(_Taken):
    """A secret that webhooks may be signed with as well, and how many of the newest are kept."""

    secret: Secret | None = Field(None, description="The new one; left out, old ones are only dropped.")
    keep: Annotated[int, Field(ge=1, le=MOST_SECRETS)] = 2


class NewWriteKey(_Taken):
    """A write key to be made."""

    kind: KeyKind = Field(
        "public",
        description="`public`: for the website's pages; what comes with it is a claim. `server`: for your own servers, "
        "kept secret; what comes with it is your own word.",
    )


class SourceShown(BaseModel):
    """A source, without its secrets."""

    source: str
    channel: ShownChannel
    account: str | None
    provider: str | None
    name: str | None
    senders: dict[str, Purpose]
    rate: float | None
    signed_logins: SignedLogins
    secrets: int = Field(description="How many secrets it has.")
    disabled: bool
    webhook: str = Field(
        description="Where its webhooks come in.", examples=["https://onefold.example/webhooks/line/oa"]
    )
    created_at: int
    changed_at: int


class AccountHealthShown(BaseModel):
    """What came from one account of a source in the last 24 hours; the present hour is the last of ``hours``."""

    channel: str
    account: str
    last_event_at: int | None
    events: int
    hours: list[int] = Field(description="events by hour of the clock, in UTC")


class SourceHealthShown(BaseModel):
    """How a source is doing. The counts are those of the last 24 hours, and some seconds late."""

    state: HealthState = Field(
        description="`waiting`: nothing came yet; `failing`: most of the latest requests are signed with another "
        "secret; `warning`: some were, or were refused; `quiet`: no event for a day."
    )
    last_request_at: int | None = Field(description="Of those that were accepted, also without an event in it.")
    last_event_at: int | None
    events: int
    hours: list[int] = Field(description="events by hour of the clock, in UTC, the present one last")
    requests: int = Field(description="requests that were accepted")
    unproven: int = Field(description="requests with a wrong signature or verify token, whoever sent them")
    refused: int = Field(description="requests of the source that were not accepted, such as beyond its rate")
    accounts: list[AccountHealthShown]


class CheckFinding(BaseModel):
    """What was checked, and what was found or has to be done."""

    what: str
    state: State
    advice: str


class SourceChecked(BaseModel):
    """The findings, in the order in which to set them right."""

    findings: list[CheckFinding]


class SiteShown(SourceShown):
    """A website with what was just made for it, which can't be shown again."""

    write_key: str | None = Field(
        None, description="A public write key, for the website's pages: what comes with it is a claim."
    )
    server_key: str | None = Field(
        None,
        description="A write key for your own servers: keep it secret. What comes with it is your own word.",
    )
    login_secret: str | None = Field(
        None,
        description="The key of the HMAC-SHA256 of a user id, in hex, by which your server signs a login. The page "
        "sends it as `context.identityHash`. Keep it secret.",
    )


class WriteKeyShown(BaseModel):
    """A write key, as much of it as is kept."""

    begins_with: str
    kind: KeyKind
    created_at: int
    revoked_at: int | None


class WriteKeyList(BaseModel):
    """A website's write keys, oldest first, including revoked ones."""

    write_keys: list[WriteKeyShown]


class SourceList(BaseModel):
    """The tenant's sources, by name."""

    sources: list[SourceShown]


def health_shown(health: SourceHealth) -> SourceHealthShown:
    """The health as it is answered."""
    accounts = [
        AccountHealthShown(
            channel=one.channel,
            account=one.account,
            last_event_at=_millis_or_none(one.last_event_at),
            events=one.events,
            hours=list(one.hours),
        )
        for one in health.accounts
    ]
    facts = health._asdict() | {
        "last_request_at": _millis_or_none(health.last_request_at),
        "last_event_at": _millis_or_none(health.last_event_at),
        "events": health.events,
        "accounts": accounts,
    }
    return SourceHealthShown(**facts)


def shown_with_key(source: Source, base: str | None, kind: KeyKind, key: str) -> SiteShown:
    """A website with a further write key, as it is shown once."""
    return SiteShown(**shown(source, base).model_dump(), **{_KEY_FIELDS[kind]: key})


def shown_with_credentials(source: Source, base: str | None, made: SiteCredentials) -> SiteShown:
    """A new website as it is shown once."""
    keys = {"write_key": made.public_key, "server_key": made.server_key, "login_secret": made.login_secret}
    return SiteShown(**shown(source, base).model_dump(), **keys)


def write_key_shown(key: WriteKey) -> WriteKeyShown:
    """The write key as it may be shown."""
    return WriteKeyShown(
        begins_with=key.prefix,
        kind=key.kind,
        created_at=_millis(key.created_at),
        revoked_at=_millis_or_none(key.revoked_at),
    )


def shown(source: Source, base: str | None) -> SourceShown:
    """The source as it may be shown; ``base`` is the service's public address, if it is known."""
    path = webhook_path(source)
    facts: dict[str, Any] = {
        "source": source.source,
        "channel": source.channel,
        "account": source.account,
        "provider": source.provider,
        **source.options.model_dump(),
    }
    return SourceShown(
        **facts,
        secrets=len(source.sealed_secrets),
        disabled=source.disabled_at is not None,
        webhook=(base or "").rstrip("/") + path if path else "",
        created_at=_millis(source.created_at),
        changed_at=_millis(source.changed_at),
    )


def _millis_or_none(at: datetime | None) -> int | None:
    return None if at is None else _millis(at)


def _millis(at: datetime) -> int:
    return int(at.timestamp() * 1000)
