"""What can be set about the sandbox; every switch stands for something the documentation leaves open."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from ops.sandbox.jurnal.quota import Windows


@dataclass(frozen=True, kw_only=True, slots=True)
class Consumer:
    """One API client: its HMAC credential and its quota a minute, hour and calendar month (None: none)."""

    client_id: str
    client_secret: str
    limit_minute: int | None = 30
    limit_hour: int | None = 1_800
    limit_month: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SandboxSettings:
    """The company's rules and the gateway's limits. Amounts are IDR, durations seconds.

    `quota_windows`: minutes and hours are the clock's (fixed), or end with each call (sliding).
    `quota_told`: answers say in x-ratelimit headers what is left of minute and hour.
    `last_closing_date`: the books are closed before that date (`closing_date_included`: and on it).
    `credit_memos_held_in`: the account across from a credit memo, the customer's receivable or Unearned Revenue.
    `returns_keep_keys`: custom_id and transaction_no of a sales return are kept; else dropped: no body documents them.
    `plan_with_inventory` off: warehouses, transfers and adjustments answer 403, and no product is tracked.
    `patched_lines`: the lines of a PATCH to an invoice are all it has, or change and add to those it had.
    `clock_off_seconds`: how far the gateway's clock is from `now` when it looks at a Date.
    `key_race_seconds`: a key is not seen by the check for repeats until its record is that old (infinity: never).
    `batch_keys_checked`: as documented (invoices: the number alone; others: both keys), or not at all.
    `payments_sorted`: receive payments in the order asked for; a sort_key is refused; or ignored, oldest first.
    """

    consumers: tuple[Consumer, ...]
    address_limit_minute: int | None = 40
    address_limit_hour: int | None = 2_500
    quota_windows: Windows = "fixed"
    quota_told: bool = True
    date_skew_seconds_max: int = 300
    digest_mismatch_refused: bool = True
    tax_decimals: int | None = None
    missing_answer: Literal[422, 404] = 422
    zero_price_lines: Literal["accepted", "refused"] = "accepted"
    allow_negative_stock: bool = True
    overpayment_allowed: bool = False
    answer_delay_seconds: float = 0
    clock_off_seconds: float = 0
    time_zone: str = "Asia/Jakarta"
    last_closing_date: date | None = None
    closing_date_included: bool = False
    closed_books_status: Literal[422, 403] = 422
    credit_memos_held_in: Literal["receivable", "unearned_revenue"] = "receivable"
    returns_keep_keys: bool = False
    plan_with_inventory: bool = True
    patched_lines: Literal["replaced", "merged"] = "replaced"
    key_race_seconds: float = 0
    batch_keys_checked: Literal["documented", "none"] = "documented"
    payments_sorted: Literal["as_asked", "refused", "ignored"] = "as_asked"
    products_page_size_max: int = 10
    page_size_max: int = 100
    accounts_page_size_max: int = 200
    batch_rows_max: int = 100
    body_bytes_max: int = 4_194_304
    company_name: str = "Toko Contoh"
