"""Folds payouts: each report into its document, which is judged until it is booked."""

import msgspec

from eventstore.event import Fact
from eventstore.facts.operators import RecordRetried, RecordSkipped
from eventstore.facts.reports.payouts import PayoutReport
from projections.changes.payouts import PayoutState, evolve_payout
from projections.changes.settings import StoreSettings
from projections.changes.verdict import seen_to_by
from projections.projection import States
from projections.waiting_fold import DocumentsTold, judged


def tell_payout(states: States, settings: StoreSettings, fact: Fact, report: PayoutReport) -> DocumentsTold:
    """Take in a report, and judge what is not booked yet."""
    known = states.get(fact.stream_id)
    assert known is None or isinstance(known, PayoutState)
    return judged(evolve_payout(known, report, fact), states, settings, fact)


def tell_payout_word(
    payout: PayoutState, states: States, settings: StoreSettings, fact: Fact, word: RecordRetried | RecordSkipped
) -> DocumentsTold:
    """Judge a payout again because a person asked for it or has seen to it."""
    if isinstance(word, RecordSkipped):
        seen_to = payout.seen_to if payout.booked else seen_to_by(word)
        payout = msgspec.structs.replace(payout, seen_to=seen_to, refused=())
    return judged(payout, states, settings, fact)
