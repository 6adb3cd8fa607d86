"""What the two sides say to each other, and what the person does on the site."""

from typing import Literal

from pydantic import Field

from schemas.events.base import Frozen, Properties, Text, Word
from schemas.events.envelope import Event

Purpose = Literal["conversation", "broadcast", "cart_remarketing", "bot", "welcome"]


class Message(Frozen):
    """A message as the channel gave it; ``payload`` keeps what only that channel has."""

    message_id: Word | None = None
    kind: Word = "text"
    text: Text | None = None
    payload: Properties = Field(default_factory=dict)


class MessageReceived(Event):
    """The person wrote to the brand."""

    type: Literal["message.received"]
    data: Message


class MessageEdited(Event):
    """The person changed a message; ``text`` is the new one."""

    type: Literal["message.edited"]
    data: Message


class MessageUnsent(Event):
    """The person took a message back."""

    type: Literal["message.unsent"]
    data: Message


class Interaction(Frozen):
    """A tap on the bot: which action, with which payload."""

    action: Word = "postback"
    payload: Text | Properties | None = None


class BotInteracted(Event):
    """The person used the bot."""

    type: Literal["bot.interacted"]
    data: Interaction


class Tracking(Frozen):
    """One thing done on a website."""

    event: Word
    url: Text | None = None
    properties: Properties = Field(default_factory=dict)


class WebTracked(Event):
    """The person did something on the site."""

    type: Literal["web.tracked"]
    data: Tracking


class TeamMessage(Frozen):
    """What the brand sent, and why.

    ``echo`` is true where the channel reported the message, and not its sender: what the sender declares of a message
    of this ``message_id`` counts instead.
    """

    purpose: Purpose
    message_id: Word | None = None
    agent: Word | None = None
    campaign: Word | None = None
    text: Text | None = None
    payload: Properties = Field(default_factory=dict)
    echo: bool | None = None


class TeamMessageSent(Event):
    """The brand wrote to the person."""

    type: Literal["team.message_sent"]
    data: TeamMessage


class MessageStatus(Frozen):
    """What became of a message the brand sent, e.g. ``delivered`` or ``read``."""

    message_id: Word | None = None
    status: Word
    payload: Properties = Field(default_factory=dict)


class TeamMessageStatus(Event):
    """A message of the brand was delivered, read, or failed."""

    type: Literal["team.message_status"]
    data: MessageStatus


EVENTS = (
    MessageReceived,
    MessageEdited,
    MessageUnsent,
    BotInteracted,
    WebTracked,
    TeamMessageSent,
    TeamMessageStatus,
)
