"""What can be set about the sandbox; every switch stands for something the documentation leaves open."""

from dataclasses import dataclass
from datetime import date
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class Consumer:
    """One API client: its HMAC credential and its own quota (calls per clock minute and clock hour; None: no limit)."""

    client_id: str
    client_secret: str
    limit_minute: int | None = 30
    limit_hour: int | None = 1_800


@dataclass(frozen=True, kw_only=True, slots=True)
class SandboxSettings:
    """The company's rules and the gateway's limits. Amounts are IDR, durations seconds."""

    consumers: tuple[Consumer, ...]
    address_limit_minute: int | None = 40
    address_limit_hour: int | None = 2_500
    date_skew_seconds_max: int = 300
    digest_mismatch_refused: bool = True
    tax_decimals: int | None = None
    missing_answer: Literal[422, 404] = 422
    zero_price_lines: Literal["accepted", "refused"] = "accepted"
    allow_negative_stock: bool = True
    overpayment_allowed: bool = False
    answer_delay_seconds: float = 0
    time_zone: str = "Asia/Jakarta"
    last_closing_date: date | None = None
    products_page_size_max: int = 10
    page_size_max: int = 100
    accounts_page_size_max: int = 200
    batch_rows_max: int = 100
    body_bytes_max: int = 4_194_304
    company_name: str = "Toko Contoh"
