"""What a brand sets for itself: a quota that is nearly used up, segments, names of attributes. Sent after the year."""

from typing import Any, Final

import httpx

from services.demo.connections import Target

_ROOM: Final = 1.15  # of what is used
_ROUND: Final = 50  # a limit is a multiple of it
SEGMENTS: Final[dict[str, dict[str, Any]]] = {
    "vip-sleeping": {
        "name": "沉睡的 VIP",
        "filter": {"all": [{"tag": "VIP"}, {"last_customer": {"before": "-60d"}}]},
    },
    "line-reachable": {
        "name": "LINE 可發送名單",
        "filter": {"same_contact": {"all": [{"channel": ["line"]}, {"subscribed": True}]}},
    },
    "active-week": {"name": "本週互動", "filter": {"last_customer": {"since": "-7d"}}},
}

ATTRIBUTES: Final[tuple[dict[str, Any], ...]] = (
    {"key": "member_level", "type": "text", "names": {"zh": "會員等級", "en": "Member level"}},
    {"key": "newsletter", "type": "boolean", "names": {"zh": "訂閱電子報", "en": "Newsletter"}},
    {"key": "total_spent", "type": "number", "names": {"zh": "累計消費", "en": "Total spent"}},
    {"key": "birthday", "type": "date", "names": {"zh": "生日", "en": "Birthday"}},
)


async def send_settings(target: Target) -> None:
    """Set the quota, save the segments, name the attributes; sent twice, they are the same. Raises httpx.HTTPError."""
    headers = {"Authorization": f"Bearer {target.key}"}
    async with httpx.AsyncClient(base_url=target.url, headers=headers, timeout=60, trust_env=False) as client:
        quota = await client.get("/v1/quota")
        used = quota.raise_for_status().json()["used"]
        (await client.put("/v1/quota", params={"wait": "true"}, json={"limit": limit_for(used)})).raise_for_status()
        for segment, saved in SEGMENTS.items():
            answer = await client.put(f"/v1/segments/{segment}", params={"wait": "true"}, json=saved)
            answer.raise_for_status()
        for attribute in ATTRIBUTES:
            (await client.put("/v1/attributes", json=attribute)).raise_for_status()


def limit_for(used: int) -> int:
    """A limit of which so many are a good part."""
    return (int(used * _ROOM) // _ROUND + 1) * _ROUND
