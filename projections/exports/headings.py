"""The columns' titles, by language (pure)."""

from collections.abc import Sequence
from typing import Final

from projections.exports.cells import neutral
from projections.exports.order import ColumnName, ExportOrder

ENGLISH: Final[dict[ColumnName, str]] = {
    "customer_id": "Customer ID",
    "contact": "Contact",
    "channel": "Channel",
    "account": "Account",
    "line_uid": "LINE UID",
    "facebook_psid": "Facebook PSID",
    "instagram_igsid": "Instagram IGSID",
    "whatsapp_number": "WhatsApp Number",
    "whatsapp_bsuid": "WhatsApp BSUID",
    "member_id": "Member ID",
    "name": "Name",
    "phone": "Phone",
    "email": "Email",
    "channels": "Channels",
    "tags": "Tags",
    "subscription": "Subscription",
    "subscribed_at": "Subscribed Since",
    "valid": "Valid Contact",
    "over_quota": "Over Quota",
    "opted_out": "Opted Out Of",
    "staff": "Binding Teammate",
    "branch": "Store Location Code",
    "first_seen_at": "First Seen",
    "last_customer_at": "Last Customer Interaction",
    "last_team_at": "Last Team Interaction",
    "last_marketing_at": "Last Marketing Message",
}
CHINESE: Final[dict[ColumnName, str]] = {
    "customer_id": "顧客 ID",
    "contact": "聯絡人",
    "channel": "渠道",
    "account": "帳號",
    "line_uid": "LINE UID",
    "facebook_psid": "Facebook PSID",
    "instagram_igsid": "Instagram IGSID",
    "whatsapp_number": "WhatsApp 號碼",
    "whatsapp_bsuid": "WhatsApp BSUID",
    "member_id": "會員編號",
    "name": "名稱",
    "phone": "電話",
    "email": "電子郵件",
    "channels": "渠道列表",
    "tags": "標籤",
    "subscription": "訂閱狀態",
    "subscribed_at": "訂閱時間",
    "valid": "有效聯絡人",
    "over_quota": "超額名單",
    "opted_out": "拒絕的推播",
    "staff": "綁定成員",
    "branch": "綁定分店",
    "first_seen_at": "首次出現時間",
    "last_customer_at": "客人最後互動時間",
    "last_team_at": "團隊最後互動時間",
    "last_marketing_at": "團隊最後行銷時間",
}


def heading(column: ColumnName, language: str) -> str:
    """A column's title; in any other language than these two its own name."""
    return {"en": ENGLISH, "zh-Hant": CHINESE}.get(language, {}).get(column, column)


def header_of(order: ExportOrder, attributes: Sequence[str]) -> list[str]:
    """The first row of an export: its columns' titles, and the keys of its attributes."""
    return [*(neutral(heading(name, order.header)) for name in order.columns), *attributes]
