"""What the sandbox iSeller is told at its start."""

from typing import Literal

import msgspec

WebhookType = Literal["order", "fulfillment", "refund", "member", "payout"]


class IsellerSettings(msgspec.Struct, kw_only=True):
    """Settings of one store's sandbox; every share is 0 … 1 and decided by `seed`.

    `service_url` may be changed later. `body` "thin" sends order webhooks with the confirmed keys only.
    `retry_delays_seconds`: the last one repeats until `retry_seconds_max` after the first try.
    `lose_share`: webhooks of a type that are never sent; `lose_until_retry`: those whose first try is lost.
    `shuffle`: webhooks of one object may overtake each other; `duplicate_share`: taken ones that are sent once more.
    """

    store: str
    api_key: str
    client_id: str
    client_secret: str
    service_url: str
    authorization_code: str | None = None
    body: Literal["full", "thin"] = "full"
    seed: int = 0
    retry_delays_seconds: tuple[float, ...] = (1, 2, 4, 8, 15, 30, 60, 120, 300)
    retry_seconds_max: float = 3 * 86_400
    lose_share: dict[WebhookType, float] = {}
    lose_until_retry: dict[WebhookType, float] = {}
    shuffle: bool = False
    duplicate_share: float = 0
    access_token_seconds: int = 1_209_599
    page_size_max: int = 500
    body_bytes_max: int = 65_536
    deliveries_concurrent_max: int = 8
    batch_webhooks_max: int = 64
    request_timeout_seconds: float = 15
    idle_seconds: float = 0.05
