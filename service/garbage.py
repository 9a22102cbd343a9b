"""Keeps Python's collector of reference cycles off what lives as long as the process.

With hundreds of requests in flight the usual threshold (700 new objects) lets each of them be walked over and over, and
every full collection walks all modules and routes too: a sixth of the processor's time of the way in.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

NEW_OBJECTS_MAX = 20_000


@contextmanager
def settled() -> Iterator[None]:
    """Set what exists now aside and collect more rarely; as before in the end."""
    thresholds = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS_MAX, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
