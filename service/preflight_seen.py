"""What iSeller's outlets and its newest reports tell of what would fail. Pure.

An outlet or channel that is not mapped is out of scope by iSeller's own rule, so it is a notice; a way to pay, a tax
rate or a line without a SKU in a mapped one is a problem: its sale would fail or stay open.
"""

from collections.abc import Iterator, Sequence

import msgspec

from projections.changes.settings import StoreSettings
from service.preflight_finding import Finding, notice, problem, some
from service.preflight_settings import RULES_NEEDED_BY
from service.seen import Seen


class IsellerOutlet(msgspec.Struct, frozen=True):
    """An outlet as GetOutlets shows it."""

    outlet_id: str
    name: str
    is_active: bool = True


def outlet_findings(settings: StoreSettings, outlets: Sequence[IsellerOutlet] | None) -> Iterator[Finding]:
    """Compare the mapped outlets with iSeller's; None: iSeller could not be asked."""
    if outlets is None:
        yield notice(
            "iseller",
            "outlets",
            "iSeller could not be asked for its outlets",
            "Check the url and the client of [iseller] in the set-up file, and look at the log",
        )
        return
    for outlet in outlets:
        if outlet.is_active and outlet.outlet_id not in settings.outlets:
            yield _unmapped_outlet(outlet.outlet_id, outlet.name)
    known = {outlet.outlet_id for outlet in outlets}
    for outlet_id, mapped in settings.outlets.items():
        if outlet_id not in known:
            yield notice(
                "outlet",
                mapped.outlet_name,
                f"iSeller has no outlet of the id {outlet_id!r}, so nothing is booked by this mapping",
                "Correct the id in the set-up; GetOutlets and the address of the outlet's page in iSeller show it",
            )


def seen_findings(settings: StoreSettings, seen: Seen, asked: Sequence[IsellerOutlet] | None) -> Iterator[Finding]:
    """Tell what the newest reports speak of that is not mapped."""
    known = {outlet.outlet_id for outlet in asked or ()}
    for outlet_id, name in seen.unmapped_outlets:
        if outlet_id not in known:
            yield _unmapped_outlet(outlet_id, name)
    for channel, reports in seen.unmapped_channels.items():
        yield notice(
            "channel",
            channel,
            f"{reports} reports are of the channel {channel}, which is not mapped: its sales go by their outlet, or are"
            " out of scope without one",
            "Map the channel in the set-up if its sales are to be booked by a mapping of their own",
        )
    for (gateway, kind), reports in seen.unmapped_payments.items():
        way = f"{gateway} ({kind})" if kind else gateway
        yield problem(
            "payment",
            way,
            f"{reports} payments by {way} were seen, and no account is mapped for them",
            "Map it to a Cash & Bank account, or in sales.stored_value to what the shop owes its customers",
        )
    for rate in seen.unmapped_taxes:
        yield problem(
            "tax", f"{rate} %", f"Lines with {rate} % tax were seen, and no tax is mapped", "Map the rate under [taxes]"
        )
    if seen.lines_without_sku:
        yield problem(
            "sku",
            "sales",
            f"Sold without a SKU: {some(seen.lines_without_sku)}",
            "Give these products a SKU in iSeller: without one a sale cannot name its product in Jurnal",
        )
    for setting, reports in seen.needed_rules.items():
        if getattr(settings.rules, setting) is None:
            yield problem(
                "product" if setting.endswith("product") else "account",
                setting,
                f"{reports} reports need what {RULES_NEEDED_BY[setting]}, and nothing is mapped",
                f"Name it as sales.{setting} in the set-up file",
            )


def _unmapped_outlet(outlet_id: str, name: str) -> Finding:
    return notice(
        "outlet",
        name or outlet_id,
        f"Outlet {name or outlet_id!r} ({outlet_id}) is not mapped: nothing of it is booked",
        "Map it to a warehouse in the set-up if its business is to stand in Jurnal",
    )
