"""Folds imports of products: each product into its document, which is judged once, and anew where Jurnal refused it."""

import msgspec

from eventstore.event import Fact
from eventstore.facts.operators import ProductsImportRequested, RecordRetried, RecordSkipped
from projections.changes.products import ProductState, product_stream
from projections.changes.settings import StoreSettings
from projections.changes.verdict import seen_to_by
from projections.projection import States
from projections.waiting_fold import DocumentsTold, judged


def tell_import(states: States, settings: StoreSettings, fact: Fact, asked: ProductsImportRequested) -> DocumentsTold:
    """Judge every product of an import; of one that was asked for before, what Jurnal refused goes as it is now."""
    told = DocumentsTold()
    for product in asked.products:
        stream_id = product_stream(product.product_id)
        known = told.documents.get(stream_id) or states.get(stream_id)
        assert known is None or isinstance(known, ProductState)
        state = known or ProductState(stream_id=stream_id, product=product, stock_date=asked.stock_date)
        state = msgspec.structs.replace(state, product=product, stock_date=asked.stock_date, planned=False)
        one = judged(state, {**states, **told.states}, settings, fact, retried=True)
        told = DocumentsTold(
            {**told.states, **one.states}, [*told.decisions, *one.decisions], {**told.documents, **one.documents}
        )
    return told


def tell_product_word(
    product: ProductState, states: States, settings: StoreSettings, fact: Fact, word: RecordRetried | RecordSkipped
) -> DocumentsTold:
    """Note what a person has seen to."""
    if isinstance(word, RecordSkipped):
        seen_to = {**product.skipped_records, word.record_id: seen_to_by(word)}
        product = msgspec.structs.replace(product, skipped_records=seen_to)
    return judged(product, states, settings, fact)
