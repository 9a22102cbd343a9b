"""Verifies exported ledger histories without the program that wrote them. Python 3.11 or later, standard library only.

    python verify_history.py HISTORY.jsonl [NEXT.jsonl ...] [--head HASH]

A history is a file of JSON lines, one fact a line, in the order of its positions, with HISTORY.jsonl.manifest.json
beside it. For each file this recomputes the file's SHA-256, the positions one after the other, and each fact's hash:

    hash           = sha256(hash of the fact before | header | content digest)
    header         = for each field: its length in 4 bytes, its bytes
                     fields: store, position, stream, stream version, type, schema version, source id,
                     observed at, recorded at; text in UTF-8, numbers in 8 bytes, times as microseconds since
                     1970-01-01 UTC in 8 bytes, all big-endian
    content digest = sha256(for body, sealed part, metadata: its length in 8 bytes, its bytes)

The first fact of a ledger stands behind 32 zero bytes. Several files must continue each other: the archive of a ledger
in its order, then the export of what is still in the database. `--head` is the hash that the ledger is known to end at,
for example from a signed checkpoint: only that shows that the end was not cut off or written anew.

Exit code 0: whole. 1: broken; the line says where and why. 2: a file cannot be read, so nothing can be said.
"""

import argparse
import base64
import binascii
import hashlib
import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

FORMAT = "jurnalsync-history-2"
GENESIS = bytes(32)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TEXT = ("store_id", "stream_id", "type", "source_id")
_NUMBERS = ("position", "stream_version", "schema_version")
_CONTENT = ("body", "sealed", "metadata")


class Broken(Exception):
    """The history is not what was appended; the text says where and why."""


class Unreadable(Exception):
    """A file is missing or is no history at all."""


def main(arguments: Sequence[str]) -> int:
    """Verify the files named on the command line; return the exit code."""
    parser = argparse.ArgumentParser(description="Verify exported ledger histories, each continuing the one before.")
    parser.add_argument("histories", nargs="+", type=Path, metavar="HISTORY", help="a JSON lines file")
    parser.add_argument("--head", metavar="HASH", help="the hash the ledger is known to end at, in hex")
    options = parser.parse_args(arguments)
    before: dict[str, Any] | None = None
    for path in options.histories:
        try:
            manifest = read_manifest(path)
            check_seam(before, manifest)
            verify_history(path, manifest)
        except Broken as broken:
            print(f"{path}: BROKEN: {broken}")
            return 1
        except Unreadable as unreadable:
            print(f"{path}: cannot be verified: {unreadable}")
            return 2
        print(f"{path}: {manifest['store_id']}, positions {manifest['first']} to {manifest['last']}: whole,", end=" ")
        print(f"ends with {manifest['hash_after']}")
        if before is None and manifest["first"] > 1:
            print(f"{path}: begins behind {manifest['hash_before']}; only the files before it prove that hash")
        before = manifest
    assert before is not None, "argparse asks for a file at least"
    end = before["hash_after"]
    if options.head is not None and options.head.lower() != end:
        print(f"BROKEN: the last history ends with {end}, not with {options.head}")
        return 1
    return 0


def check_seam(before: dict[str, Any] | None, manifest: dict[str, Any]) -> None:
    """Raise `Broken` unless the history of `manifest` continues the one before it, if there is one."""
    if before is None:
        return
    behind = (manifest["store_id"], manifest["first"] - 1, manifest["hash_before"])
    if behind != (before["store_id"], before["last"], before["hash_after"]):
        raise Broken(
            f"it continues {behind[0]} behind position {behind[1]} with hash {behind[2]}, but the file before ends "
            f"{before['store_id']} at {before['last']} with {before['hash_after']}"
        )


def read_manifest(path: Path) -> dict[str, Any]:
    """Return the manifest beside `path`, its shape checked."""
    beside = path.with_suffix(path.suffix + ".manifest.json")
    try:
        manifest = json.loads(beside.read_bytes())
    except OSError as error:
        raise Unreadable(f"its manifest {beside.name} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise Unreadable(f"{beside.name} is no JSON: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise Unreadable(f"{beside.name} is no manifest of format {FORMAT}")
    for name, kind in (("store_id", str), ("first", int), ("last", int), ("sha256", str)):
        if not isinstance(manifest.get(name), kind):
            raise Unreadable(f"{beside.name} has no right {name!r}")
    for name in ("hash_before", "hash_after"):
        if not isinstance(manifest.get(name), str) or len(manifest[name]) != 64:
            raise Unreadable(f"{beside.name} has no right {name!r}")
    return manifest


def verify_history(path: Path, manifest: dict[str, Any]) -> None:
    """Raise `Broken` at the first thing that is not as it was written."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            # The facts come first: they say where the file was altered, the digest only that it was.
            verify_facts(file, manifest)
    except OSError as error:
        raise Unreadable(f"{error.strerror}") from error
    if found != manifest["sha256"]:
        raise Broken(f"every fact is whole, but the file's SHA-256 is {found}, not {manifest['sha256']}")


def verify_facts(lines: Iterable[bytes], manifest: dict[str, Any]) -> None:
    """Raise `Broken` unless positions and hashes of `lines` are those of the manifest."""
    position, previous = manifest["first"] - 1, bytes.fromhex(manifest["hash_before"])
    if position == 0 and previous != GENESIS:
        raise Broken("position 1 must stand behind 32 zero bytes")
    for line in lines:
        position += 1
        try:
            fact = json.loads(line)
            stored = base64.b64decode(fact["hash"], validate=True)
            recomputed = fact_hash(previous, fact)
        except (ValueError, KeyError, TypeError, OverflowError, binascii.Error) as error:
            raise Broken(f"position {position}: the line is no fact ({type(error).__name__}: {error})") from error
        if fact["position"] != position:
            raise Broken(f"position {position} is missing; the line holds {fact['position']}")
        if fact["store_id"] != manifest["store_id"]:
            raise Broken(f"position {position} is of store {fact['store_id']!r}")
        if stored != recomputed:
            raise Broken(f"position {position}: contents, or the fact before, are not what was hashed")
        previous = stored
    if position != manifest["last"]:
        raise Broken(f"the file ends at position {position}, its manifest at {manifest['last']}")
    if previous.hex() != manifest["hash_after"]:
        raise Broken(f"the last hash is {previous.hex()}, in the manifest {manifest['hash_after']}")


def fact_hash(previous: bytes, fact: dict[str, Any]) -> bytes:
    """Return the hash that `fact` must have behind `previous`."""
    text = {name: fact[name].encode() for name in _TEXT}
    number = {name: fact[name].to_bytes(8, "big", signed=True) for name in _NUMBERS}
    header = (
        text["store_id"], number["position"], text["stream_id"], number["stream_version"], text["type"],
        number["schema_version"], text["source_id"], time(fact["observed_at"]), time(fact["recorded_at"]),
    )  # fmt: skip
    content = hashlib.sha256()
    for name in _CONTENT:
        part = base64.b64decode(fact[name], validate=True)
        content.update(len(part).to_bytes(8, "big") + part)
    recomputed = hashlib.sha256(previous)
    for field in header:
        recomputed.update(len(field).to_bytes(4, "big") + field)
    recomputed.update(content.digest())
    return recomputed.digest()


def time(text: str) -> bytes:
    """Return the microseconds since 1970-01-01 UTC of an ISO 8601 time with its zone, in 8 bytes."""
    return ((datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)).to_bytes(8, "big", signed=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
