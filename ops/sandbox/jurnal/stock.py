"""Stock per product and warehouse, and what it is worth in the journal."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from ops.sandbox.jurnal.books import Journal, Posting, Source
from ops.sandbox.jurnal.records import ZERO, Account, Product, Warehouse
from ops.sandbox.jurnal.valuation import Movement, Valuation, valued


@dataclass(frozen=True, slots=True)
class StockMove:
    """A quantity into (positive) or out of (negative) a warehouse.

    `counter` is the account across from inventory; a leg of a transfer has none and no value.
    """

    product: Product
    warehouse: Warehouse
    day: date
    quantity: Fraction
    counter: Account | None
    source: Source
    price: Fraction | None = None


class StockLedger:
    """All moves. A change marks its product; the product is valued again when somebody reads its worth."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._moves: dict[int, dict[int, list[StockMove]]] = {}
        self._on_hand: dict[int, dict[int, Fraction]] = {}
        self._valuations: dict[int, Valuation[StockMove]] = {}
        self._stale: dict[int, Product] = {}

    def move(self, document_id: int, moves: Iterable[StockMove]) -> None:
        """Record the moves of one document; untracked products have no stock."""
        for made in moves:
            if made.product.tracked and made.quantity:
                self._moves.setdefault(made.product.id, {}).setdefault(document_id, []).append(made)
                self._count(made, 1)

    def undo(self, document_id: int, products: Iterable[Product]) -> None:
        """Take a document's moves back."""
        for product in products:
            for made in self._moves.get(product.id, {}).pop(document_id, ()):
                self._count(made, -1)

    def _count(self, made: StockMove, sign: int) -> None:
        shelf = self._on_hand.setdefault(made.product.id, {})
        shelf[made.warehouse.id] = shelf.get(made.warehouse.id, ZERO) + sign * made.quantity
        if made.counter is not None:
            self._stale[made.product.id] = made.product

    def moves(self, product: Product) -> Iterator[StockMove]:
        """Go through a product's moves, oldest document first."""
        for made in self._moves.get(product.id, {}).values():
            yield from made

    def on_hand(self, product: Product, warehouse: Warehouse, last: date | None = None) -> Fraction:
        """Return a warehouse's quantity, of all moves or up to a date."""
        if last is None:
            return self._on_hand.get(product.id, {}).get(warehouse.id, ZERO)
        moves = (made for made in self.moves(product) if made.warehouse is warehouse and made.day <= last)
        return sum((made.quantity for made in moves), ZERO)

    def total(self, product: Product) -> Fraction:
        """Return the quantity in all warehouses."""
        return sum(self._on_hand.get(product.id, {}).values(), ZERO)

    def used(self, product: Product) -> bool:
        """Tell whether the product has ever moved."""
        return bool(any(self._moves.get(product.id, {}).values()))

    def average(self, product: Product) -> Fraction:
        """Return the present average cost; the buy price before the first inflow."""
        self._settle(product)
        valuation = self._valuations.get(product.id)
        return product.buy_price if valuation is None else valuation.average

    def settle(self) -> None:
        """Bring every changed product's entries in the journal up to date."""
        for product in list(self._stale.values()):
            self._settle(product)

    def _settle(self, product: Product) -> None:
        if self._stale.pop(product.id, None) is None:
            return
        movements = [
            Movement(made.day, made.quantity, made.price, made)
            for made in self.moves(product)
            if made.counter is not None
        ]
        valuation = valued(movements, product.buy_price)
        self._valuations[product.id] = valuation
        self._journal.post(("valuation", product.id), list(_postings(product, valuation)))


def _postings(product: Product, valuation: Valuation[StockMove]) -> Iterator[Posting]:
    """Post every change of value between inventory and its counter account; a correction goes to cost of sales."""
    inventory = product.inventory_account
    assert inventory is not None, "a tracked product has an inventory account"
    for change in valuation.changes:
        if change.amount:
            made = change.source
            source = Source("Average Cost Correction", product.name) if made is None else made.source
            counter = product.buy_account if made is None or made.counter is None else made.counter
            yield Posting(change.day, inventory, change.amount, source)
            yield Posting(change.day, counter, -change.amount, source)
