"""One pure function for each step from an old schema version to the next: (type, old version) → body → body."""

from collections.abc import Callable, Mapping

import msgspec

_ENCODER = msgspec.json.Encoder(order="deterministic")


def _with_stock_settings(body: bytes) -> bytes:
    """StoreConnected 1 → 2: no stock account was mapped, and transfers were sent as they came."""
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    absent = msgspec.Raw(b"null")
    added = {
        "loss_account": absent,
        "goods_received_account": absent,
        "stock_adjustment_account": absent,
        "transfer_sync": msgspec.Raw(b'{"mode":"real_time","times":[]}'),
    }
    return _ENCODER.encode({**fields, **added})


UPCASTS: Mapping[tuple[str, int], Callable[[bytes], bytes]] = {("StoreConnected", 1): _with_stock_settings}
