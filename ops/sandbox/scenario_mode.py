"""What is a matter of choice in one shop and its company: the service's settings, and Jurnal's where it has them."""

from typing import Literal

import msgspec

from ops.sandbox.dice import Dice


class Mode(msgspec.Struct, frozen=True, kw_only=True):
    """One company's choices, in the words of the set-up file where it has them.

    `sales_account_conflict`: "reclass" lets the branch and Tokopedia sell onto accounts of their own; "refuse" does
    not, and the preflight is seen to say so. `discounts`: "shown" on an account by themselves, or sales stand "net" of
    them. `prices_with_tax`: which outlets' prices hold the tax.
    """

    zero_prices: Literal["send", "adjust_stock"] = "send"
    same_day_void: Literal["return", "delete"] = "return"
    discounts: Literal["net", "shown"] = "net"
    sales_account_conflict: Literal["refuse", "reclass"] = "refuse"
    charges_taxed: bool = False
    customer_ids: bool = True
    payment_method_kept: bool = False
    sales_sync: Literal["real_time", "shift_closing", "scheduled"] = "real_time"
    transfer_sync: Literal["real_time", "scheduled", "manual"] = "real_time"
    prices_with_tax: Literal["nowhere", "main", "branch", "everywhere"] = "nowhere"

    @property
    def main_has_tax(self) -> bool:
        """Tell whether the first outlet's prices hold the tax."""
        return self.prices_with_tax in {"main", "everywhere"}

    @property
    def branch_has_tax(self) -> bool:
        """Tell whether the second outlet's prices hold the tax."""
        return self.prices_with_tax in {"branch", "everywhere"}

    @property
    def has_windows(self) -> bool:
        """Tell whether anything is sent at times of the day; of a shop that sends with its shifts, what has none."""
        return self.sales_sync != "real_time" or self.transfer_sync == "scheduled"

    @property
    def waits(self) -> bool:
        """Tell whether anything is sent otherwise than as it comes."""
        return self.has_windows or self.transfer_sync != "real_time"


def drawn_mode(seed: int) -> Mode:
    """Draw every choice by itself."""
    dice = Dice(seed, "mode")
    return Mode(
        zero_prices=dice.pick(("send", "adjust_stock")),
        same_day_void=dice.pick(("return", "delete")),
        discounts=dice.pick(("net", "shown")),
        sales_account_conflict=dice.pick(("refuse", "reclass")),
        charges_taxed=dice.chance(0.5),
        customer_ids=dice.chance(0.5),
        payment_method_kept=dice.chance(0.4),
        sales_sync=dice.pick(("real_time", "shift_closing", "scheduled")),
        transfer_sync=dice.pick(("real_time", "scheduled", "manual")),
        prices_with_tax=dice.pick(("nowhere", "main", "branch", "everywhere")),
    )
