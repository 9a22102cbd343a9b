"""Commands that Jurnal has too little stock for, kept until goods they need come into their warehouse.

What a stock document moves is kept by its command's identity, because its answer names nothing else. Invoices, of which
there are far more, are looked up in their order. What is short stands in shards named by the command: only goods that
come in ask for all of them.
"""

from collections.abc import Sequence
from zlib import crc32

import msgspec

from projections.changes.orders import OrderState
from projections.jurnal_commands.commands import AdjustStock, Command, ReturnSale, TransferStock
from projections.jurnal_commands.decision import Planned
from projections.projection import States

_SHARDS = 64
# The kinds of documents by which goods come in, as answers name them.
INFLOWS = frozenset({"warehouse_transfers", "stock_adjustments", "sales_returns"})
# So many products are named to a person; a long list of them would say less.
_NAMED_MAX = 3


class StockMoved(msgspec.Struct, frozen=True, tag="stock"):
    """What a command takes out of one warehouse and brings into one, products by code."""

    takes_from: str = ""
    takes: tuple[str, ...] = ()
    brings_to: str = ""
    brings: tuple[str, ...] = ()


class Short(msgspec.Struct, frozen=True, array_like=True):
    """What a refused command needs, and where."""

    warehouse: str
    products: tuple[str, ...]


class ShortOfStock(msgspec.Struct, frozen=True, tag="short"):
    """The refused commands of one shard that wait for stock, by identity."""

    commands: dict[str, Short] = {}


SHORT_KEYS = tuple(f"short/{number:02}" for number in range(_SHARDS))


def short_key(command_id: str) -> str:
    """Return the key of the shard that holds a command while it waits for stock."""
    return SHORT_KEYS[crc32(command_id.encode()) % _SHARDS]


def stock_key(command_id: str) -> str:
    """Return the key of what a command moves."""
    return f"stock/{command_id}"


def stock_states(planned: Sequence[Planned]) -> dict[str, msgspec.Struct]:
    """Return what each planned stock document moves, by key."""
    return {
        stock_key(decision.command_id): moved for decision in planned if (moved := _moved(decision.command)) is not None
    }


def needed_stock(states: States, command_id: str, stream_id: str) -> Short | None:
    """Return what a command needs and where; None for one that takes no stock."""
    moved = states.get(stock_key(command_id))
    if isinstance(moved, StockMoved):
        return Short(moved.takes_from, moved.takes) if moved.takes else None
    order = states.get(stream_id)
    if not isinstance(order, OrderState):
        return None
    invoice = next((asked.invoice for asked in order.asked if asked.command_id == command_id), "")
    for booking in order.bookings:
        if invoice == booking.command_id:
            return Short(booking.warehouse, tuple(dict.fromkeys(line.product_code for line in booking.lines)))
    return None


def shortage_reason(short: Short, told: str) -> str:
    """Return for what and where a command waits, with Jurnal's own words."""
    named = ", ".join(short.products[:_NAMED_MAX])
    more = len(short.products) - _NAMED_MAX
    others = f" or {more} other products" if more > 0 else ""
    return f"Waits for stock of {named}{others} at {short.warehouse}: {told}"


def with_short(states: States, command_id: str, short: Short | None) -> dict[str, msgspec.Struct]:
    """Return the command's shard with it, or without it if it waits no longer; nothing if that changes nothing."""
    key = short_key(command_id)
    known = _shard(states, key).commands
    if known.get(command_id) == short:
        return {}
    others = {identity: each for identity, each in known.items() if identity != command_id}
    return {key: ShortOfStock(others if short is None else {**others, command_id: short})}


def freed_by(states: States, command_id: str) -> tuple[dict[str, msgspec.Struct], tuple[str, ...]]:
    """Return the shards without the commands that an accepted command brings goods for, and these commands."""
    moved = states.get(stock_key(command_id))
    if not isinstance(moved, StockMoved) or not moved.brings:
        return {}, ()
    brings = frozenset(moved.brings)
    shards: dict[str, msgspec.Struct] = {}
    freed: list[str] = []
    for key in SHORT_KEYS:
        waiting = _shard(states, key).commands
        found = [
            identity
            for identity, short in waiting.items()
            if short.warehouse == moved.brings_to and not brings.isdisjoint(short.products)
        ]
        if found:
            freed += found
            shards[key] = ShortOfStock({identity: waiting[identity] for identity in waiting if identity not in found})
    return shards, tuple(sorted(freed))


def _moved(command: Command) -> StockMoved | None:
    match command:
        case TransferStock():
            products = tuple(line.product_code for line in command.lines)
            return StockMoved(command.from_warehouse, products, command.to_warehouse, products)
        case AdjustStock():
            out = tuple(line.product_code for line in command.lines if line.quantity < 0)
            in_ = tuple(line.product_code for line in command.lines if line.quantity > 0)
            return StockMoved(command.warehouse, out, command.warehouse, in_)
        case ReturnSale():
            return StockMoved(brings_to=command.warehouse, brings=tuple(line.product_code for line in command.lines))
        case _:
            return None


def _shard(states: States, key: str) -> ShortOfStock:
    known = states.get(key)
    assert known is None or isinstance(known, ShortOfStock)
    return known or ShortOfStock()
