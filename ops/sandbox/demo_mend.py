"""What fails on purpose is seen as failed with its reason; then the merchant's people mend it or see to it."""

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress

from ops.sandbox.demo_company import make_product
from ops.sandbox.demo_house import House
from ops.sandbox.demo_settle import NotReached, until
from ops.sandbox.scenario_everything import UNKNOWN_PRODUCT
from ops.sandbox.traffic_intended import Intended

_SEEN_SECONDS_MAX = 60.0
_ACTOR = "accountant@demo"
# A sale of an outlet that is not mapped is out of scope, and says so; all else has failed.
_SHOWN_AS = {"unmapped_outlet": "Skipped"}


def by_kind(failures: Iterable[Intended]) -> dict[str, int]:
    """Count failures by their kind."""
    return dict(sorted(Counter[str](failure.kind for failure in failures).items()))


async def see(house: House, intended: tuple[Intended, ...]) -> list[Intended]:
    """Wait until every failure shows with its reason; return those that do, sooner or when time is up."""
    seen: list[Intended] = []

    async def all_show() -> bool:
        nonlocal seen
        records = {record["record_id"]: record for record in await house.api.records()}
        seen = [failure for failure in intended if _shows(failure, records.get(failure.record_id, {}))]
        return len(seen) == len(intended)

    with suppress(NotReached):
        await until(house, "seeing what fails on purpose", all_show, _SEEN_SECONDS_MAX + house.window_seconds)
    return seen


def _shows(failure: Intended, record: dict[str, object]) -> bool:
    is_shown = record.get("status") == _SHOWN_AS.get(failure.kind, "Failed")
    return is_shown and failure.reason in str(record.get("reason"))


async def mend(house: House, intended: tuple[Intended, ...]) -> None:
    """Map what was not mapped, make the product that Jurnal lacks, and say of the rest who has seen to it."""
    await house.apply_setup(mended=True)
    if any(failure.mended_by == "product" for failure in intended):
        await make_product(house.accountant, house.scenario, UNKNOWN_PRODUCT)
    for failure in intended:
        if failure.mended_by != "set_up":
            decision = "skip" if failure.mended_by == "skip" else "retry"
            await house.api.decide(failure.record_id, decision, _ACTOR, failure.why)
