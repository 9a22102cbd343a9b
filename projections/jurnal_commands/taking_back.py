"""Plans what goes back of a booked invoice: goods by a return, and the credit that this makes by the way it was paid.

Jurnal lets a return lower what the invoice owes first; only the rest is a credit. So what a customer got back may be
more than that credit (the rest is credited by hand and paid out), or less (the rest leaves through the stored-value
clearing account and comes back as less of what was returned).
"""

from datetime import date
from decimal import Decimal

import msgspec

from eventstore.event import Fact
from projections.changes.booking import BookedCredit, Booking
from projections.changes.orders import OrderState
from projections.changes.settings import StoreSettings
from projections.changes.verdict import Verdict
from projections.changes.waiting import SETTINGS_NEED
from projections.jurnal_commands.commands import (
    AdjustStock,
    ApplyCredit,
    Command,
    IssueCreditMemo,
    JournalLine,
    PostJournal,
    RefundCredit,
    ReturnLine,
    ReturnSale,
    StockChange,
)
from projections.jurnal_commands.decision import Planned, SyncRecord
from projections.jurnal_commands.identity import command_id
from projections.jurnal_commands.order_action import planned
from projections.jurnal_commands.payments import payment_record
from projections.jurnal_commands.return_arithmetic import left_of, net_of, payable, returned_lines, worth
from projections.jurnal_commands.returned_goods import Invoice, Picked

_ZERO = Decimal(0)


class Taking(msgspec.Struct, frozen=True):
    """One thing that is taken back: of which booking, as which record, under which key, dated when."""

    state: OrderState
    settings: StoreSettings
    fact: Fact
    record: SyncRecord
    key: str
    day: date

    @property
    def booking(self) -> Booking:
        """The booking it is taken back of."""
        assert self.state.booking is not None
        return self.state.booking

    @property
    def tax_decimals(self) -> int | None:
        """The decimals that Jurnal rounds a tax to; None: it does not."""
        assert self.settings.connection is not None
        return self.settings.connection.tax_decimals

    @property
    def invoice(self) -> Invoice:
        """The invoice as far as it is not taken back yet."""
        left = left_of(self.booking, self.tax_decimals)
        return Invoice(self.booking, left, self.state.report.order_details or (), self.tax_decimals)

    def planned(self, command: Command, *needs: str) -> Planned:
        """Return a command of it, after the commands it needs; without one, after the invoice."""
        first = (self.booking.command_id,) if self.booking.lines else ()
        return planned(self.state, self.fact, self.record, command, tuple(filter(None, needs)) or first)


class PayOut(msgspec.Struct, frozen=True):
    """Money that goes back. `mark`: unique within the order. `liability`: the account it ends on, else money proper."""

    mark: str
    account: str
    liability: str
    amount: Decimal
    day: date


class Back(msgspec.Struct, frozen=True):
    """What was planned, and the credits that it made or used up, the one of the return first.

    `unbooked`: what of the money that went back had never been booked.
    """

    decisions: list[Planned]
    credits: tuple[BookedCredit, ...]
    unbooked: Decimal = _ZERO


def need(setting: str, purpose: str) -> Verdict:
    """Return that an account of the rules is missing."""
    return Verdict(
        "failed",
        f"No account is mapped for {purpose}",
        f"Name it as {setting} in the set-up file and apply the file; the record is then booked by itself",
        (SETTINGS_NEED,),
    )


def rupiah(amount: Decimal) -> str:
    """Write an amount for a person, without trailing zeros."""
    return f"Rp {amount.normalize():f}"


def return_goods(taking: Taking, picked: Picked) -> Back | Verdict:
    """Plan the goods: the return itself, the stock of parts, and what does not go back on the shelf."""
    rules, connection = taking.settings.rules, taking.settings.connection
    assert connection is not None
    waste_account = rules.waste_account or connection.loss_account
    if picked.wasted and waste_account is None:
        return need("waste_account", "goods that are taken back and thrown away")
    if picked.parts and rules.cost_account is None:
        return need("cost_account", "the cost of parts and of goods given away")
    invoice, booking = taking.invoice, taking.booking
    lines = returned_lines(invoice.left, picked.quantities)
    amount = worth(booking, invoice.left, picked.quantities, taking.tax_decimals)
    decisions: list[Planned] = []
    source = ""
    if lines:
        command = ReturnSale(
            order_id=taking.state.order_id,
            order_reference=taking.state.reference,
            return_id=taking.key,
            invoice=booking.command_id,
            invoice_no=booking.invoice_no,
            transaction_date=taking.day,
            warehouse=booking.warehouse,
            lines=tuple(
                ReturnLine(product_code=line.product_code, quantity=line.quantity, rate=line.rate) for line in lines
            ),
            amount=amount,
        )
        source = command_id(taking.fact.store_id, command)
        decisions.append(taking.planned(command))
    parts = {part.product_code: _ZERO for part in picked.parts}
    for part in picked.parts:
        parts[part.product_code] += part.quantity
    if parts:
        decisions.append(_adjusted(taking, "parts-back", rules.cost_account, parts, source))
    if picked.wasted:
        wasted = {code: -quantity for code, quantity in picked.wasted.items()}
        decisions.append(_adjusted(taking, "waste", waste_account, wasted, source))
    credit = amount - min(amount, booking.remaining)
    booked = BookedCredit(source, amount, credit, _ZERO, lines, picked.parts)
    topped_up = _taken_off_liabilities(taking, booked)
    if isinstance(topped_up, Verdict):
        return topped_up
    return Back([*decisions, *topped_up], (booked,))


def waste(taking: Taking, wasted: dict[str, Decimal]) -> list[Planned] | Verdict:
    """Plan that goods which are back in the warehouse are thrown away."""
    connection = taking.settings.connection
    assert connection is not None
    account = taking.settings.rules.waste_account or connection.loss_account
    if account is None:
        return need("waste_account", "goods that are taken back and thrown away")
    changes = {code: -quantity for code, quantity in wasted.items()}
    return [_adjusted(taking, "waste", account, changes, "")] if wasted else []


def stock_of_parts(taking: Taking, changes: dict[str, Decimal], needs: str = "") -> list[Planned] | Verdict:
    """Plan that parts come back (above zero) or leave after all."""
    if not any(changes.values()):
        return []
    if taking.settings.rules.cost_account is None:
        return need("cost_account", "the cost of parts and of goods given away")
    return [_adjusted(taking, "parts-back", taking.settings.rules.cost_account, changes, needs)]


def pay_back(taking: Taking, made: BookedCredit | None, outs: tuple[PayOut, ...]) -> Back | Verdict:
    """Plan the money: out of the credit that was made, if one was; what is not paid out of it is kept or missing."""
    rules = taking.settings.rules
    left = payable(made.credit - made.paid_out) if made is not None else _ZERO
    missing = max(sum((out.amount for out in outs), _ZERO) - left, _ZERO)
    kept = max(left - sum((out.amount for out in outs), _ZERO), _ZERO)
    if missing and rules.sales_return_account is None:
        return need("sales_return_account", "money given back without goods")
    kept_back = keep(taking, made.source, kept) if made is not None else []
    if isinstance(kept_back, Verdict):
        return kept_back
    decisions: list[Planned] = []
    short: list[PayOut] = []
    for out in outs:
        amount = min(out.amount, left)
        left -= amount
        if amount:
            assert made is not None
            decisions.append(refunded(taking, made.source, msgspec.structs.replace(out, amount=amount)))
        if out.amount > amount:
            short.append(msgspec.structs.replace(out, mark=f"{out.mark}:more", amount=out.amount - amount))
    credits_made: list[BookedCredit] = []
    if made is not None:
        decisions += kept_back
        credits_made.append(
            msgspec.structs.replace(made, paid_out=made.paid_out + payable(made.credit - made.paid_out))
        )
    if short:
        memo = credited(taking, missing)
        decisions += [memo, *(refunded(taking, memo.command_id, out) for out in short)]
        credits_made.append(BookedCredit(memo.command_id, missing, missing, missing))
    return Back([*decisions, *onto_liabilities(taking, outs)], tuple(credits_made))


def less(outs: tuple[PayOut, ...], amount: Decimal) -> tuple[PayOut, ...]:
    """Return payments without so much of them, the last ones first."""
    left = []
    for out in reversed(outs):
        gone = min(amount, out.amount)
        amount -= gone
        if out.amount > gone:
            left.append(msgspec.structs.replace(out, amount=out.amount - gone))
    return tuple(reversed(left))


def keep(taking: Taking, source: str, amount: Decimal) -> list[Planned] | Verdict:
    """Plan that what the customer does not get back of a credit is no credit any more."""
    rules = taking.settings.rules
    if not amount:
        return []
    if rules.sales_return_account is None:
        return need("sales_return_account", "what is kept of goods taken back")
    if rules.stored_value_clearing is None:
        return need("stored_value_clearing", "what is kept of goods taken back")
    out = PayOut(f"{taking.key}:kept", rules.stored_value_clearing, "", amount, taking.day)
    paid = refunded(taking, source, out)
    cleared = JournalLine(account=rules.stored_value_clearing, debit=amount)
    earned = JournalLine(account=rules.sales_return_account, credit=amount)
    return [paid, entry(taking, "kept", taking.day, cleared, earned, needs=paid.command_id)]


def credited(taking: Taking, amount: Decimal) -> Planned:
    """Return a credit made by hand, on the sales-return account, which is mapped."""
    account = taking.settings.rules.sales_return_account
    assert account is not None
    booking = taking.booking
    return taking.planned(
        IssueCreditMemo(
            order_id=taking.state.order_id,
            order_reference=taking.state.reference,
            credit_id=taking.key,
            transaction_date=taking.day,
            walk_in_contact=booking.walk_in_contact,
            customer_id=booking.customer_id,
            account=account,
            amount=amount,
        )
    )


def credit_applied(taking: Taking, source: str, amount: Decimal, *needs: str) -> Planned:
    """Return that so much of a credit pays the invoice, behind the credit and whatever else it `needs`."""
    booking = taking.booking
    command = ApplyCredit(
        order_id=taking.state.order_id,
        order_reference=taking.state.reference,
        apply_id=taking.key,
        source=source,
        invoice=booking.command_id,
        invoice_no=booking.invoice_no,
        walk_in_contact=booking.walk_in_contact,
        customer_id=booking.customer_id,
        amount=amount,
    )
    return taking.planned(command, source, *needs)


def refunded(taking: Taking, source: str, out: PayOut) -> Planned:
    """Return that a credit is paid out."""
    booking = taking.booking
    command = RefundCredit(
        order_id=taking.state.order_id,
        order_reference=taking.state.reference,
        refund_id=out.mark,
        source=source,
        transaction_date=out.day,
        walk_in_contact=booking.walk_in_contact,
        customer_id=booking.customer_id,
        account=out.account,
        amount=out.amount,
    )
    return taking.planned(command, source)


def entry(taking: Taking, name: str, day: date, *lines: JournalLine, needs: str = "") -> Planned:
    """Return a journal entry of the order; `name` tells what for."""
    journal_id = f"{taking.state.order_id}:{name}:{taking.key}"
    journal = PostJournal(
        journal_id=journal_id, reference=taking.state.reference, transaction_date=day, lines=tuple(lines)
    )
    return taking.planned(journal, needs)


def side(account: str, amount: Decimal) -> JournalLine:
    """Return one side of an entry; an amount above zero is a debit."""
    return JournalLine(account=account, debit=max(amount, _ZERO), credit=max(-amount, _ZERO))


def onto_liabilities(taking: Taking, outs: tuple[PayOut, ...]) -> list[Planned]:
    """Return that what left through the clearing account is owed to the customer from then on."""
    entries: list[Planned] = []
    for out in outs:
        if out.liability:
            cleared = JournalLine(account=out.account, debit=out.amount)
            owed = JournalLine(account=out.liability, credit=out.amount)
            marked = msgspec.structs.replace(taking, key=out.mark)
            entries.append(entry(marked, "refund", out.day, cleared, owed))
    return entries


def money_is_missing(state: OrderState, settings: StoreSettings) -> bool:
    """Tell whether a payment waits to be booked: then the invoice would seem to owe what was paid."""
    for payment in state.in_order():
        verdict = state.verdicts.get(payment_record(state, settings, payment).record_id)
        if verdict is not None and verdict.state != "skipped":
            return True
    return False


def with_credits(state: OrderState, told: tuple[BookedCredit, ...]) -> OrderState:
    """Return the state with credits of the order, new ones and known ones as they stand now."""
    bookings = []
    new = {credit.source: credit for credit in told if credit.source}
    for booking in state.bookings:
        known = tuple(new.pop(credit.source, credit) for credit in booking.credits)
        bookings.append(msgspec.structs.replace(booking, credits=known))
    added = (*new.values(), *(credit for credit in told if not credit.source))
    current = msgspec.structs.replace(bookings[-1], credits=(*bookings[-1].credits, *added))
    return msgspec.structs.replace(state, bookings=(*bookings[:-1], current))


def _adjusted(taking: Taking, name: str, account: str | None, changes: dict[str, Decimal], needs: str) -> Planned:
    assert account is not None
    adjustment = AdjustStock(
        transfer_id=taking.state.order_id,
        transfer_number=taking.state.reference,
        adjustment_id=f"{taking.state.order_id}:{name}:{taking.key}",
        transaction_date=taking.day,
        warehouse=taking.booking.warehouse,
        account=account,
        lines=tuple(StockChange(code, quantity) for code, quantity in changes.items() if quantity),
    )
    return taking.planned(adjustment, needs)


def _taken_off_liabilities(taking: Taking, booked: BookedCredit) -> list[Planned] | Verdict:
    """Return that stored value which was sold and comes back is owed no more: its sale was no revenue."""
    rules = taking.settings.rules
    owed: dict[str, Decimal] = {}
    for line in booked.lines:
        liability = rules.stored_value_products.get(line.product_code)
        if liability is not None:
            net = net_of(taking.booking, line, line.quantity)
            owed[liability] = owed.get(liability, _ZERO) + payable(net)
    if not owed:
        return []
    if rules.sales_return_account is None:
        return need("sales_return_account", "stored value that is taken back")
    debits = [JournalLine(account=account, debit=amount) for account, amount in owed.items()]
    returned = JournalLine(account=rules.sales_return_account, credit=sum(owed.values(), _ZERO))
    return [entry(taking, "topped-up", taking.day, *debits, returned, needs=booked.source)]
