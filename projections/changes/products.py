"""Products that are imported: what was asked for last, until Jurnal has it."""

from datetime import date

import msgspec

from eventstore.facts.operators import ImportedProduct
from projections.changes.asked import Asked


class ProductState(msgspec.Struct, frozen=True, kw_only=True, tag="product"):
    """A product that a person asked to make in Jurnal, with the stock that its outlets have on `stock_date`.

    `planned`: all of it that can be is asked for. `asked`: its commands, `refused`: those that Jurnal refused, `lacks`:
    by such a one, the commands whose products Jurnal has not, `anew_at`: the position at which such were planned anew
    last. `skipped_records`: by record, who has seen to it and why.
    """

    stream_id: str
    product: ImportedProduct
    stock_date: date
    planned: bool = False
    asked: tuple[Asked, ...] = ()
    refused: tuple[str, ...] = ()
    lacks: dict[str, tuple[str, ...]] = {}
    anew_at: int = 0
    skipped_records: dict[str, str] = {}

    def needs(self) -> tuple[str, ...]:
        """Return nothing: what is not asked for is asked for by the next import."""
        return ()


def product_stream(product_id: str) -> str:
    """Return the stream of a product's answers, and the lane of its commands."""
    return f"product-{product_id}"
