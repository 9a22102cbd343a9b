"""Histories: a range of a ledger as JSON lines with a manifest, made for auditors and for archives.

A line holds one fact: its fields by name, bytes in base64, times in UTC down to the microsecond. The manifest names
the range, the hash before it, the hash at its end, and the SHA-256 of the file. Whoever has both can recompute every
hash without this program (`ops/verifier`); sealed values stay sealed, their keys are not part of a history.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from eventstore.chain import recompute_hash
from eventstore.errors import HistoryError
from eventstore.event import Fact

FORMAT = "jurnalsync-history-2"
PARQUET_FORMAT = "jurnalsync-history-parquet-2"
# Read at once; a fact may be larger.
_BLOCK_BYTES = 2_000_000


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in a history. `hash_before` is the chain's hash in front of `first`, `hash_after` that of `last`."""

    format: str
    store_id: str
    first: int
    last: int
    hash_before: str
    hash_after: str
    sha256: str


_FACTS = msgspec.json.Decoder(Fact)
_ENCODER = msgspec.json.Encoder()


def manifest_path(path: Path) -> Path:
    """Return where the manifest of the history at `path` stands."""
    return path.with_suffix(path.suffix + ".manifest.json")


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write the manifest beside the history at `path`."""
    manifest_path(path).write_bytes(msgspec.json.format(_ENCODER.encode(manifest), indent=2) + b"\n")


def read_manifest(path: Path) -> Manifest:
    """Return the manifest of the history at `path`. Raises `HistoryError`."""
    beside = manifest_path(path)
    try:
        manifest = msgspec.json.decode(beside.read_bytes(), type=Manifest)
    except OSError as error:
        raise HistoryError(f"cannot read the manifest {beside}: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise HistoryError(f"{beside} is no manifest: {error}") from error
    if manifest.format != FORMAT:
        raise HistoryError(f"{beside} has format {manifest.format!r}; this release reads {FORMAT!r}")
    return manifest


def check_digest(path: Path, sha256: str) -> None:
    """Raise `HistoryError` unless the file at `path` has this SHA-256."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise HistoryError(f"cannot read {path}: {error.strerror}") from error
    if found != sha256:
        raise HistoryError(f"{path} is not the file its manifest speaks of: SHA-256 is {found}, not {sha256}")


def encode_facts(facts: list[Fact]) -> bytes:
    """Return the lines of `facts`."""
    return _ENCODER.encode_lines(facts)


def decode_facts(store_id: str, lines: bytes) -> list[Fact]:
    """Return the facts of whole `lines`, their hashes as they stand there. Raises `HistoryError`."""
    try:
        facts = _FACTS.decode_lines(lines)
    except msgspec.MsgspecError as error:
        raise HistoryError(f"a line of the history cannot be read: {error}") from error
    for fact in facts:
        if fact.store_id != store_id or fact.observed_at.tzinfo is None or fact.recorded_at.tzinfo is None:
            raise HistoryError(
                f"position {fact.position}: it must be of store {store_id!r}, and its times must name their zone"
            )
    return facts


def read_blocks(file: BinaryIO) -> Iterator[bytes]:
    """Yield the file's whole lines from where it stands, some thousands at a time."""
    while block := file.read(_BLOCK_BYTES):
        yield block if block.endswith(b"\n") else block + file.readline()


def verified_facts(path: Path, manifest: Manifest) -> Iterator[list[Fact]]:
    """Yield the history's facts in blocks, every position and hash recomputed. Raises `HistoryError` at a break.

    The file's digest is not looked at; see `check_digest`.
    """
    position, previous = manifest.first - 1, bytes.fromhex(manifest.hash_before)
    with path.open("rb") as file:
        for block in read_blocks(file):
            facts = decode_facts(manifest.store_id, block)
            for fact in facts:
                position += 1
                if fact.position != position:
                    raise HistoryError(f"position {position} is missing; the next line holds {fact.position}")
                if recompute_hash(previous, fact) != fact.hash:
                    raise HistoryError(f"position {position}: contents and hash do not belong together")
                previous = fact.hash
            yield facts
    if position != manifest.last or previous.hex() != manifest.hash_after:
        raise HistoryError(
            f"the history ends at {position} with hash {previous.hex()}; its manifest says {manifest.last} with "
            f"{manifest.hash_after}"
        )
