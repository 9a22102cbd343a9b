"""Folds look-ups in Jurnal's master data into a table by kind and key."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar

from eventstore.event import Fact
from eventstore.facts.answers import MasterDataFound
from eventstore.facts.registry import Meaning
from projections.changes.settings import StoreSettings
from projections.projection import NOTHING, Evolved, Row, States, Table


class MasterDataRow(Row, frozen=True, kw_only=True):
    """One thing: `key` is the name or code that commands use."""

    key_fields: ClassVar[int] = 2

    kind: str
    key_: str
    jurnal_id: int
    name: str
    category: str | None
    rate: Decimal | None
    updated: int


class MasterData:
    """The projection `master_data`: the last look-up counts."""

    name: ClassVar[str] = "master_data"
    state_type: ClassVar[Any] = StoreSettings
    row_tables: ClassVar[Sequence[str]] = ("master_data",)
    tables: ClassVar[Sequence[Table]] = (Table(__package__, "save_master_data", MasterDataRow),)

    def keys(self, fact: Fact, meaning: Meaning) -> Sequence[str]:
        """Need no state."""
        del fact, meaning
        return ()

    def evolve(self, states: States, fact: Fact, meaning: Meaning) -> Evolved:
        """Remember a look-up."""
        del states
        if not isinstance(meaning, MasterDataFound):
            return NOTHING
        row = MasterDataRow(
            kind=meaning.kind,
            key_=meaning.key,
            jurnal_id=meaning.jurnal_id,
            name=meaning.name,
            category=meaning.category,
            rate=meaning.rate,
            updated=fact.position,
        )
        return Evolved({}, (row,))
