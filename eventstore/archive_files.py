"""Reading what was archived: the files that hold it are histories, found by the records that stand in the database."""

import threading
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import msgspec

from eventstore.errors import HistoryError
from eventstore.event import Fact
from eventstore.history import FORMAT, Manifest, check_digest, decode_facts, verified_facts


class Archive(msgspec.Struct, frozen=True, kw_only=True):
    """A closed range of a ledger that stands in a file; `sha256` is the file's."""

    store_id: str
    first: int
    last: int
    hash_before: bytes
    hash_after: bytes
    sha256: bytes
    file_name: str

    def manifest(self) -> Manifest:
        """Return what the file's manifest must say."""
        return Manifest(
            format=FORMAT,
            store_id=self.store_id,
            first=self.first,
            last=self.last,
            hash_before=self.hash_before.hex(),
            hash_after=self.hash_after.hex(),
            sha256=self.sha256.hex(),
        )


class _Placed(msgspec.Struct):
    position: int


_PLACED = msgspec.json.Decoder(_Placed)


class ArchiveFiles:
    """The folder of archive files; None where it is not known. It blocks; safe to share between threads."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        # By file: what was seen of it when its digest was right, and where the fact behind the last one read begins.
        self._checked: dict[Path, tuple[int, int]] = {}
        self._following: dict[Path, tuple[int, int]] = {}

    def verify(self, archive: Archive) -> None:
        """Recompute digest, positions and hashes of an archive. Raises `HistoryError`, with what to do."""
        path = self._path(archive)
        self._check_digest(path, archive)
        for _ in verified_facts(path, archive.manifest()):
            pass

    def read_after(self, archive: Archive, position: int, facts_max: int) -> list[Fact]:
        """Return up to `facts_max` facts of the archive after `position`. Raises `HistoryError`, with what to do."""
        path = self._path(archive)
        with self._lock, path.open("rb") as file:
            status = path.stat()
            seen = (status.st_size, status.st_mtime_ns)
            if self._checked.get(path) != seen:
                self._check_digest(path, archive)
                self._checked[path] = seen
                self._following.pop(path, None)
            following, offset = self._following.get(path, (0, 0))
            file.seek(offset if following == position + 1 else _offset(file, status.st_size, position + 1))
            facts = decode_facts(archive.store_id, b"".join(islice(file, facts_max)))
            if facts:
                self._following[path] = (facts[-1].position + 1, file.tell())
            return facts

    def _path(self, archive: Archive) -> Path:
        where = f"positions {archive.first} to {archive.last} of {archive.store_id!r} are archived in"
        if self._folder is None:
            raise HistoryError(f"{where} {archive.file_name}; name its folder in JURNALSYNC_ARCHIVE_FOLDER")
        path = self._folder / archive.file_name
        if not path.is_file():
            raise HistoryError(f"{where} {path}, which is not there; bring the file back from a copy")
        return path

    def _check_digest(self, path: Path, archive: Archive) -> None:
        try:
            check_digest(path, archive.sha256.hex())
        except HistoryError as error:
            raise HistoryError(f"an archive was altered: {error}; bring the file back from a copy") from error


def _offset(file: BinaryIO, size_bytes: int, position: int) -> int:
    """Return where the line of `position` begins, by halving: lines stand in the order of their positions."""
    begin, end = 0, size_bytes
    while begin < end:
        middle = (begin + end) // 2
        file.seek(max(0, middle - 1))
        if middle:
            file.readline()
        start = file.tell()
        line = file.readline()
        if line and _PLACED.decode(line).position < position:
            begin = start + len(line)
        else:
            end = middle
    return begin
