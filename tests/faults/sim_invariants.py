"""I1-I8 of a simulated world in which everything has come to rest. Each finding is a line for a person."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable
from decimal import Decimal
from fractions import Fraction

import msgspec

from eventstore.connection import open_pool
from eventstore.event import Fact
from eventstore.keyring import Keyring
from eventstore.personal import persons_in, unseal
from eventstore.verify import Broken, verify_ledger
from ops.sandbox.jurnal.records import Record
from projections.catalogue import CATALOGUE
from projections.in_transit_stock.queries import read_in_transit
from projections.jurnal_commands.commands import DECODER, ApplyCredit, DeleteInvoice
from projections.rebuild import SHADOW_SEARCH_PATH, Rebuilder
from tests.faults.sim_jurnal import Jurnal
from tests.faults.sim_world import World
from tests.ledger import MASTER, SERVICE_ROLE

_ROWS_MAX = 100_000
_COMMANDS = "SELECT command_id, kind, state, lane, position, ordinal, reason, body FROM command WHERE store_id = $1"
_INVOICES = "SELECT order_id, total, paid, returned FROM invoice_payment WHERE store_id = $1 AND status <> 'NotBooked'"
_STALLED = "SELECT projection, stream_id, error FROM stalled_stream"
# What a command of a kind is in Jurnal; other kinds change or take away what is there.
_MADE = {
    "BookInvoice": "sales_invoice",
    "ReceivePayment": "receive_payment",
    "TransferStock": "warehouse_transfer",
    "AdjustStock": "stock_adjustment",
    "DepositPayout": "bank_deposit",
    "WithdrawPayoutFee": "bank_withdrawal",
    "PostJournal": "journal_entry",
    "CreateCustomer": "customer",
    "ReturnSale": "sales_return",
    "IssueCreditMemo": "credit_memo",
    "RefundCredit": "customer_credit_memo_refund",
}
_MASTER_CUSTOMERS = frozenset({"Walk-in"})


class Asked(msgspec.Struct, frozen=True):
    """A command as the fold left it."""

    command_id: str
    kind: str
    state: str
    lane: str
    position: int
    ordinal: int
    reason: str | None
    body: bytes

    @property
    def deletes(self) -> str | None:
        """The command whose document this took away."""
        command = DECODER.decode(self.body)
        return command.invoice if isinstance(command, DeleteInvoice) and self.state == "accepted" else None


async def violations(world: World) -> list[str]:
    """Return what no right service can have done; [] if all holds."""
    found = [line async for line in _all(world)]
    return [*found, *_never_twice(world.jurnals.values())]


def _never_twice(jurnals: Iterable[Jurnal]) -> list[str]:
    """I2: no document was ever in Jurnal beside another with its key, those taken away since included."""
    return [
        f"I2: {one.kind} {one.key} was there twice at {one.at:%H:%M:%S}" for jurnal in jurnals for one in jurnal.twice
    ]


async def _all(world: World) -> AsyncIterator[str]:
    asked: dict[str, list[Asked]] = {}
    for store_id, company_id in world.plan.stores:
        facts = await world.reader.read_after(store_id, 0, _ROWS_MAX)
        asked[store_id] = [Asked(**row) for row in await world.pool.fetch(_COMMANDS, store_id)]
        async for line in _acknowledged(world, store_id, facts):
            yield line
        for line in [
            *await _chain(world, store_id, len(facts)),
            *_settled(asked[store_id]),
            *_in_order(asked[store_id], world.jurnals[company_id]),
            *await _sold(world, store_id, world.jurnals[company_id]),
            *await _in_transit(world, store_id),
            *await _folded_again(world, store_id),
        ]:
            yield f"{store_id}: {line}"
    for row in await world.pool.fetch(_STALLED):
        yield f"I5: {row['projection']} stalled at {row['stream_id']}: {row['error']}"
    for company_id, jurnal in world.jurnals.items():
        mine = [one for store_id, company in world.plan.stores if company == company_id for one in asked[store_id]]
        for line in [*_once(mine, jurnal), *_applied(mine, jurnal), *_money(jurnal), *_quota(jurnal)]:
            yield f"{company_id}: {line}"
    for line in await _goods(world):
        yield line


async def _acknowledged(world: World, store_id: str, facts: list[Fact]) -> AsyncIterator[str]:
    """I1: what was acknowledged is in the ledger, once, byte for byte."""
    keyring = Keyring(world.pool, MASTER)
    bodies: Counter[bytes] = Counter()
    for fact in facts:
        if fact.type.endswith("Reported"):
            keys = await keyring.known_keys(store_id, persons_in(fact.sealed))
            bodies[unseal(fact.body, fact.sealed, keys, store_id=store_id)] += 1
    for report in world.acknowledged:
        if report.store_id == store_id and (times := bodies[report.body]) != 1:
            yield f"I1: {store_id}: an acknowledged {report.kind} is in the ledger {times} times: {report.body[:80]!r}"


async def _chain(world: World, store_id: str, facts: int) -> list[str]:
    """I8: positions are 1..n, the hash chain is whole."""
    whole = await verify_ledger(world.reader, store_id)
    if isinstance(whole, Broken):
        return [f"I8: {whole}"]
    return [] if whole.facts == facts else [f"I8: {facts} facts were read, {whole.facts} verified"]


def _settled(asked: list[Asked]) -> list[str]:
    """I2, the last part: whatever was asked for is in Jurnal, or was seen to, or others took its place."""
    return [
        f"I2: {one.kind} {one.command_id} ends as {one.state}: {one.reason}"
        for one in asked
        if one.state not in {"accepted", "skipped", "superseded"}
    ]


def _once(asked: list[Asked], jurnal: Jurnal) -> list[str]:
    """I2: each document of ours in Jurnal has one command that was accepted, and each such command one document."""
    gone = {one.deletes for one in asked}
    carriers: Counter[tuple[str, str]] = Counter()
    known = {(_MADE[one.kind], one.command_id) for one in asked if one.kind in _MADE}
    found = []
    for kind, record in jurnal.documents():
        names = {name for name in _names(record) if (kind, name) in known}
        for name in names:
            carriers[kind, name] += 1
        if kind in _MADE.values() and not names and record.name not in _MASTER_CUSTOMERS:
            found.append(f"I2: {kind} {record.name} ({record.custom_id}) was asked for by nothing")
    for one in asked:
        if one.kind not in _MADE:
            continue
        times = carriers[_MADE[one.kind], one.command_id]
        is_lost = times == 0 and one.state == "accepted" and one.command_id not in gone
        if times > 1 or is_lost or (times and one.state == "superseded"):
            found.append(f"I2: {one.kind} {one.command_id} ({one.state}) is in Jurnal {times} times")
    return found


def _applied(asked: list[Asked], jurnal: Jurnal) -> list[str]:
    """I2 of uses of credits, which show no key: so much of an invoice is settled by one as often as was asked for."""
    wanted: Counter[tuple[str | None, Fraction]] = Counter()
    accepted: Counter[tuple[str | None, Fraction]] = Counter()
    for one in asked:
        command = DECODER.decode(one.body)
        if isinstance(command, ApplyCredit):
            wanted[command.invoice, Fraction(command.amount)] += 1
            accepted[command.invoice, Fraction(command.amount)] += one.state == "accepted"
    there: Counter[tuple[str | None, Fraction]] = Counter()
    for use in jurnal.sandbox.company.credit_memo_payments:
        for settled in use.records:
            invoice = jurnal.sandbox.company.sales_invoices.get(settled.invoice_id)
            there[None if invoice is None else invoice.custom_id, settled.amount] += 1
    return [
        f"I2: ApplyCredit of {float(amount)} to {invoice} is in Jurnal {there[invoice, amount]} times"
        for invoice, amount in wanted | there
        if not accepted[invoice, amount] <= there[invoice, amount] <= wanted[invoice, amount]
    ]


def _names(record: Record) -> set[str]:
    memo = getattr(record, "memo", None) or ""
    sent = getattr(record, "sent_custom_id", None)
    lines = [line.description or "" for line in getattr(record, "lines", ()) if hasattr(line, "description")]
    words = {word.strip("().,;:") for text in (memo, *lines) for word in text.split()}
    return {name for name in (record.name, record.custom_id, sent, *words) if name}


def _in_order(asked: list[Asked], jurnal: Jurnal) -> list[str]:
    """I6: in each lane, what came earlier in the ledger was made earlier in Jurnal."""
    place = {one.command_id: (one.lane, one.position, one.ordinal) for one in asked}
    last: dict[str, tuple[int, int]] = {}
    found = []
    for record in sorted((record for _, record in jurnal.documents()), key=lambda record: record.id):
        for name in sorted(_names(record)):
            if name not in place:
                continue
            lane, position, ordinal = place[name]
            if (position, ordinal) < last.get(lane, (0, 0)):
                found.append(f"I6: {name} was made after what comes behind it in the ledger")
            last[lane] = max(last.get(lane, (0, 0)), (position, ordinal))
            break
    return found


def _money(jurnal: Jurnal) -> list[str]:
    """I4: debits are credits, exactly."""
    difference = jurnal.sandbox.exact_difference()
    return [] if difference == 0 else [f"I4: debits less credits are {difference}"]


def _quota(jurnal: Jurnal) -> list[str]:
    """I7: no 429 but those that were thrown in."""
    refused = jurnal.sandbox.gate.quota_refusals
    return [f"I7: {refused} calls were over the quota"] if refused else []


async def _sold(world: World, store_id: str, jurnal: Jurnal) -> list[str]:
    """I4: what the projection says of each invoice is what Jurnal's says, and what the shop knows by itself."""
    found = []
    rows = {row["order_id"]: row for row in await world.pool.fetch(_INVOICES, store_id)}
    for sale in world.plan.sales:
        if sale.store_id != store_id or sale.touched:
            continue
        row = rows.get(sale.order_id)
        invoice = jurnal.sandbox.company.sales_invoices.keyed(f"inv-{store_id}.{sale.order_id}")
        if row is None or invoice is None:
            found.append(f"I4: {sale.order_id} is not booked ({row}, {invoice})")
            continue
        owed = row["total"] - row["paid"] - row["returned"]
        if not Fraction(owed) == invoice.remaining == Fraction(sale.total - sale.paid):
            told = f"{owed} by the projection, {float(invoice.remaining)} in Jurnal, {sale.total - sale.paid} in truth"
            found.append(f"I4: of {sale.order_id} is owed {told}")
    return found


async def _in_transit(world: World, store_id: str) -> list[str]:
    """I3: sent = received + returned + rejected + in transit, for each transfer and product."""
    rows = await read_in_transit(world.pool, store_id, after=None, rows_max=10_000)
    return [
        f"I3: {row.transfer_id} {row.sku} does not add up: {row}"
        for row in rows
        if row.sent != row.received + row.returned + row.rejected + row.in_transit
    ]


async def _goods(world: World) -> list[str]:
    """I3: what the stores of a company have in transit is what stands in its transit warehouse."""
    found = []
    for company_id, jurnal in world.jurnals.items():
        travelling: Counter[str] = Counter()
        for store_id, company in world.plan.stores:
            if company == company_id:
                for row in await read_in_transit(world.pool, store_id, after=None, rows_max=10_000):
                    travelling[row.sku] += row.in_transit  # type: ignore[assignment]  # a Counter adds decimals too
        company_of = jurnal.sandbox.company
        warehouse = company_of.warehouses.named("iSeller in Transit")
        assert warehouse is not None
        company_of.stock.settle()
        for code, product in company_of.products_by_code.items():
            there = company_of.stock.on_hand(product, warehouse)
            if there != Fraction(Decimal(travelling[code])):
                told = f"{float(there)} {code} are in transit in Jurnal, {travelling[code]} by the projection"
                found.append(f"I3: {company_id}: {told}")
    return found


async def _folded_again(world: World, store_id: str) -> list[str]:
    """I5: folding from the start gives the same rows and the same commands."""
    shadow = await open_pool(world.url, role=SERVICE_ROLE, connections_max=1, search_path=SHADOW_SEARCH_PATH)
    rebuilder = Rebuilder(world.pool, shadow, world.reader)
    found: list[str] = []
    try:
        for projection in CATALOGUE.values():
            await rebuilder.fold(store_id, projection, lambda _position, _end: None)
            rebuilt = await rebuilder.compare(store_id, projection)
            found += [f"I5: {projection.name}: {difference}" for difference in rebuilt.differences[:3]]
    finally:
        await shadow.close()
    return found
