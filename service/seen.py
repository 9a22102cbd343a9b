"""What iSeller's newest reports speak of, against what is mapped: outlets, ways to pay, tax rates, SKUs.

Read from the end of the ledger, a fixed number of facts, so it costs the same after millions of them; a read model of
all that was ever seen would be paid for by every order (ops/decisions).
"""

from collections import Counter
from collections.abc import Iterable

from eventstore.facts.registry import decode
from eventstore.facts.reports.orders import OrderLine, OrderReport, ProductPart
from eventstore.facts.reports.refunds import RefundReport
from eventstore.facts.reports.transfers import TransferReport
from eventstore.store import LedgerReader
from projections.changes.settings import Place, StoreSettings, channel_scope

SEEN_FACTS_MAX = 20_000
_PAGE_FACTS_MAX = 500
_READ = frozenset({"OrderReported", "TransferReported", "RefundReported"})


class Seen:
    """Counts what reports speak of. Keys: the words of a finding; values: how many reports."""

    def __init__(self, settings: StoreSettings) -> None:
        self._settings = settings
        self.reports = 0
        self.unmapped_outlets: Counter[tuple[str, str]] = Counter()
        self.unmapped_channels: Counter[str] = Counter()
        self.unmapped_payments: Counter[tuple[str, str]] = Counter()
        self.unmapped_taxes: Counter[str] = Counter()
        self.skus: Counter[str] = Counter()
        self.lines_without_sku: Counter[str] = Counter()
        self.needed_rules: Counter[str] = Counter()

    def order(self, order: OrderReport) -> None:
        """Count what an order speaks of; of one that is out of scope only where it was taken."""
        self.reports += 1
        place = self._settings.place(order.outlet_id, order.channel, order.channel_detail)
        channel = _channel_of(order)
        if place is None:
            if channel:
                self.unmapped_channels[channel] += 1
            elif order.outlet_id:
                self.unmapped_outlets[order.outlet_id, order.outlet_name or ""] += 1
            return
        if channel and place in self._settings.outlets.values():
            self.unmapped_channels[channel] += 1
        self._payments(order, place)
        for line in order.order_details or ():
            self._line(line)
        self._rules(order)

    def transfer(self, transfer: TransferReport) -> None:
        """Count a transfer's outlets and goods."""
        self.reports += 1
        ends = (
            (transfer.outlet_id, transfer.outlet_name),
            (transfer.destination_outlet_id, transfer.destination_outlet_name),
        )
        unmapped = [
            (outlet_id, name or "") for outlet_id, name in ends if outlet_id not in (None, *self._settings.outlets)
        ]
        self.unmapped_outlets.update((str(outlet_id), name) for outlet_id, name in unmapped)
        if unmapped:
            return
        for action in transfer.inventory_adjustments or ():
            self._skus(line.sku for line in action.items or ())

    def _payments(self, order: OrderReport, place: Place) -> None:
        for paid in order.transactions or ():
            gateway, kind = (paid.gateway or "").lower(), paid.payment_type_name
            if self._settings.stored_value(gateway, kind) is None and (
                self._settings.payment_at(place, gateway, kind) is None
            ):
                self.unmapped_payments[gateway, kind or ""] += 1

    def _line(self, line: OrderLine) -> None:
        connection = self._settings.connection
        assert connection is not None
        percentage = line.tax_percentage if line.taxable is not False else None
        if percentage and (rate := f"{percentage.normalize():f}") not in {tax.percentage for tax in connection.taxes}:
            self.unmapped_taxes[rate] += 1
        if line.product_modifier_id is None and not (line.sku or "").strip():
            self.lines_without_sku[line.product_name or line.product_id or "a product without a name"] += 1
        parts = [*(line.product_composites or ()), *(line.product_combos or ())]
        parts += line.modifier_product_composites or ()
        if parts:
            self.needed_rules["cost_account"] += 1
        self._skus((line.sku, line.modifier_product_sku, *map(_sku_of, parts)))

    def _skus(self, told: Iterable[str | None]) -> None:
        self.skus.update({sku.strip() for sku in told if sku and sku.strip()})

    def _rules(self, order: OrderReport) -> None:
        charges = (
            order.total_additional_order_amount,
            order.total_additional_subtotal_amount,
            order.total_additional_final_amount,
        )
        if any(charges):
            self.needed_rules["charge_product"] += 1
        if order.total_shipping_amount:
            self.needed_rules["shipping_product"] += 1


async def seen_in(
    reader: LedgerReader, store_id: str, settings: StoreSettings, *, facts_max: int = SEEN_FACTS_MAX
) -> Seen:
    """Return what the newest `facts_max` facts of a ledger speak of."""
    seen = Seen(settings)
    head = (await reader.head(store_id)).position
    after = max(0, head - facts_max)
    while after < head:
        facts = await reader.read_after(store_id, after, _PAGE_FACTS_MAX)
        if not facts:
            break
        for fact in facts:
            if fact.type not in _READ:
                continue
            meaning = decode(fact)
            if isinstance(meaning, OrderReport):
                seen.order(meaning)
            elif isinstance(meaning, TransferReport):
                seen.transfer(meaning)
            elif isinstance(meaning, RefundReport):
                seen.needed_rules["sales_return_account"] += 1
        after = facts[-1].position
    return seen


def _channel_of(order: OrderReport) -> str:
    """Return the scope of a sales channel, empty for an outlet's own sale."""
    channel = (order.channel or "").lower()
    if channel in ("", "pos"):
        return ""
    return channel_scope("web" if channel == "online" else channel, (order.channel_detail or "").lower())


def _sku_of(part: ProductPart) -> str | None:
    return part.sku or part.product_sku
