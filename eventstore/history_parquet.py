"""Histories as Parquet, for an auditor's own tools. Needs the `audit` extra; `jurnalsync import` does not read them."""

import hashlib
from importlib import import_module
from pathlib import Path

from eventstore.chain import microseconds
from eventstore.errors import HistoryError
from eventstore.event import Fact

# A row group holds some pages of facts: large enough to compress, small enough to be read alone.
_ROW_GROUP_FACTS = 20_000


class ParquetFile:
    """A new Parquet file; times are UTC, bytes stay as they are. Raises `HistoryError`, `OSError`."""

    def __init__(self, path: Path) -> None:
        try:
            # By name: the service and its image do without pyarrow, which has no type hints either.
            pyarrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
        except ImportError as error:
            raise HistoryError("Parquet needs the audit extra: pip install 'jurnalsync[audit]'") from error
        self._arrow = pyarrow
        self._path = path
        self._waiting: list[Fact] = []
        self._schema = pyarrow.schema(
            [
                ("store_id", pyarrow.string()),
                ("position", pyarrow.int64()),
                ("stream_id", pyarrow.string()),
                ("stream_version", pyarrow.int32()),
                ("type", pyarrow.string()),
                ("schema_version", pyarrow.int16()),
                ("source_id", pyarrow.string()),
                ("observed_at", pyarrow.timestamp("us", tz="UTC")),
                ("recorded_at", pyarrow.timestamp("us", tz="UTC")),
                ("body", pyarrow.binary()),
                ("sealed", pyarrow.binary()),
                ("metadata", pyarrow.binary()),
                ("hash", pyarrow.binary(32)),
            ]
        )
        self._file = path.open("xb")
        self._writer = parquet.ParquetWriter(self._file, self._schema, compression="zstd")

    def write(self, facts: list[Fact]) -> None:
        """Add facts behind those that stand there."""
        self._waiting += facts
        if len(self._waiting) >= _ROW_GROUP_FACTS:
            self._write_row_group()

    def close(self) -> str:
        """End the file and return its SHA-256 in hex."""
        if self._waiting:
            self._write_row_group()
        self._writer.close()
        self._file.close()
        with self._path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def discard(self) -> None:
        """Remove the file."""
        self._file.close()
        self._path.unlink()

    def _write_row_group(self) -> None:
        columns = [
            self._arrow.array([_value(fact, field.name) for fact in self._waiting], type=field.type)
            for field in self._schema
        ]
        self._writer.write_table(self._arrow.Table.from_arrays(columns, schema=self._schema))
        self._waiting.clear()


def _value(fact: Fact, name: str) -> object:
    """Return a field as Parquet takes it: a time of the year 1 is too much for a datetime in another time zone."""
    value = getattr(fact, name)
    return microseconds(value) if name.endswith("_at") else value
