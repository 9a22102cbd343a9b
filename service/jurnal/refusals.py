"""What a refusal of Jurnal's means for a shopkeeper, and what to do about it.

Status and fields decide where they can. Words are a hint, in either of Jurnal's languages; what is not recognised is
told in Jurnal's own words.
"""

import re
from collections.abc import Callable, Iterable, Iterator

import msgspec

from eventstore.facts.answers import NOT_ALLOWED, SHORT_OF_STOCK
from projections.jurnal_commands.commands import (
    AdjustStock,
    BookInvoice,
    Command,
    CreateCustomer,
    CreateProduct,
    DeleteDuplicate,
    DeleteInvoice,
    DepositPayout,
    IssueCreditMemo,
    PostJournal,
    ReceivePayment,
    RefundCredit,
    ReturnSale,
    TransferStock,
    UpdateInvoice,
    WithdrawPayoutFee,
)
from service.jurnal.complaints import Complaint
from service.jurnal.needs import Need
from service.jurnal.resources import resource_of

# Nobody has published what Jurnal says when stock is short: this list grows by a setting.
SHORT_OF_STOCK_WORDS = ("not enough", "insufficient", "tidak cukup", "tidak mencukupi")
_PERSON = re.compile(r"customer|person|contact|pelanggan|kontak", re.IGNORECASE)
_NOT_KEPT = "a message about the contact, which is not kept"
DATE_FIELDS = frozenset({"transaction_date", "date"})
_PRICES = frozenset({"transaction_lines.amount", "transaction_lines.rate", "rate", "original_amount"})
_MONEY_ACCOUNTS = frozenset({"deposit_to_name", "deposit_to_id", "refund_from_name", "refund_from_id"})
_MONEY_ACCOUNT_WORDS = re.compile(r"(deposit|refund) account", re.IGNORECASE)
_CLOSED = re.compile(r"clos(ed|ing)|lock|tutup buku|terkunci", re.IGNORECASE)
_PRODUCT = re.compile(r"product (in transaction lines .* not available|not found)|produk .*tidak", re.IGNORECASE)
_ABSENT = re.compile(r"not exist|not found|tidak (ada|ditemukan)", re.IGNORECASE)
_OVERPAID = re.compile(r"greater than (the )?remaining|melebihi", re.IGNORECASE)
_NO_INVOICE = re.compile(r"invoice not exist", re.IGNORECASE)
_TEXT = re.compile(r"too long|emoji|maximum of \d+ characters", re.IGNORECASE)
_DISCOUNT = re.compile(r"discount cannot exceed", re.IGNORECASE)
_LEFT_OUT = re.compile(r"must be sent|(must not|can't|cannot) be blank|tidak boleh kosong", re.IGNORECASE)
_SUBSCRIPTION = re.compile(r"trial|expired|subscription|berakhir", re.IGNORECASE)
_TAKES_GOODS = (BookInvoice, UpdateInvoice, TransferStock, AdjustStock)


# What is planned anew when a setting changes. All others ask for what they asked for, however often they go.
_PLANNED_ANEW = (
    BookInvoice,
    UpdateInvoice,
    DeleteInvoice,
    ReceivePayment,
    AdjustStock,
    TransferStock,
    PostJournal,
    DepositPayout,
    WithdrawPayoutFee,
    ReturnSale,
    IssueCreditMemo,
    RefundCredit,
    CreateProduct,
)


def _mended(command: Command, in_jurnal: str, in_settings: str) -> str:
    """Return what to do about something that is wrong in Jurnal or in the set-up."""
    if isinstance(command, _PLANNED_ANEW):
        return f"{in_jurnal} and retry, or {in_settings}: it then goes by itself"
    return f"{in_jurnal}, then retry"


def phrases(text: str) -> tuple[str, ...]:
    """Return the phrases of a setting as refusals are searched for them."""
    return tuple(phrase for part in text.split(",") if (phrase := part.strip().lower()))


class Refusal(msgspec.Struct, frozen=True):
    """`sentence` says what is wrong, `what_to_do` how it is mended; `field` stands for a cause that is waited for."""

    sentence: str
    what_to_do: str
    field: str | None = None


# Booked otherwise by itself: what to do is for where that cannot be.
_NOT_LET_GO = Refusal(
    "Jurnal does not let go of this invoice: payments, returns or a reconciliation hang on it",
    "It is returned by itself, and booked anew if it was changed, once the period is open and the set-up names the"
    " accounts for that; else undo these in Jurnal and retry, or put the invoice right there and skip this",
    NOT_ALLOWED,
)
_UNPROCESSABLE = 422


class _Refused(msgspec.Struct, frozen=True):
    command: Command
    status: int
    complaint: Complaint
    stock_words: tuple[str, ...]

    def names(self, fields: frozenset[str]) -> bool:
        return not fields.isdisjoint(self.complaint.fields)

    def names_part(self, *stems: str) -> bool:
        return any(field.startswith(stems) for field in self.complaint.fields)

    def says(self, pattern: re.Pattern[str]) -> bool:
        return self.complaint.says(pattern)


def _stock(refused: _Refused) -> Refusal | None:
    if not isinstance(refused.command, _TAKES_GOODS) or refused.status not in {400, 422}:
        return None
    if not any(word in message.lower() for message in refused.complaint.messages for word in refused.stock_words):
        return None
    return Refusal(
        "Jurnal has too little stock for this",
        "It goes by itself once goods are booked in; else count the stock or allow negative stock in Jurnal",
        SHORT_OF_STOCK,
    )


def _period(refused: _Refused) -> Refusal | None:
    if not refused.names(DATE_FIELDS) and not refused.says(_CLOSED):
        return None
    return Refusal(
        "Jurnal's books are closed on this date",
        _mended(
            refused.command,
            "Reopen the period in Jurnal",
            "let documents of closed periods go on the first open day",
        ),
    )


def _money_account(refused: _Refused) -> Refusal | None:
    if not refused.names(_MONEY_ACCOUNTS) and not refused.says(_MONEY_ACCOUNT_WORDS):
        return None
    return Refusal(
        "The account for the money is not of the category Cash & Bank, the only one Jurnal moves money in",
        _mended(refused.command, "Make it one in Jurnal", "map an account of the category Cash & Bank"),
    )


def _too_much(refused: _Refused) -> Refusal | None:
    if not refused.names(frozenset({"amount_receive"})) and not refused.says(_OVERPAID):
        return None
    if isinstance(refused.command, UpdateInvoice) and refused.status == _UNPROCESSABLE:
        # Our own money on it is not more: a person received some in Jurnal.
        return _NOT_LET_GO
    return Refusal(
        "It is more than is left to be paid or used in Jurnal",
        "Look in Jurnal who paid or used the rest: undo that and retry, or skip this",
    )


def _price(refused: _Refused) -> Refusal | None:
    if not refused.names(_PRICES):
        return None
    return Refusal(
        "Jurnal takes no line or total of this price",
        'If goods were given away, set zero_prices to "adjust_stock"; else correct the order, then retry',
    )


def _text(refused: _Refused) -> Refusal | None:
    if not refused.says(_TEXT):
        return None
    return Refusal(
        "Jurnal does not take a text of this: it is too long, or has a symbol in it",
        "Shorten it in iSeller, then retry; if it is short, report this to support with its identity",
    )


def _discount(refused: _Refused) -> Refusal | None:
    if not refused.says(_DISCOUNT):
        return None
    return Refusal(
        "Jurnal takes no discount that is larger than what it is taken off", "Correct the order in iSeller, then retry"
    )


def _left_out(refused: _Refused) -> Refusal | None:
    if not refused.says(_LEFT_OUT):
        return None
    return Refusal(
        "Jurnal misses something in this", "Nobody but us can add it: report this to support with its identity"
    )


def _product(refused: _Refused) -> Refusal | None:
    if not refused.says(_PRODUCT) and not refused.names_part("product"):
        return None
    return Refusal(
        "A product is not in Jurnal, or is archived there", "Make it or take it out of the archive, then retry"
    )


def _invoice(refused: _Refused) -> Refusal | None:
    if not refused.says(_NO_INVOICE):
        return None
    return Refusal(
        "Jurnal does not have the invoice this is about",
        "Somebody deleted or renumbered it: book what is left to do in Jurnal, then skip this",
    )


def _named(refused: _Refused) -> Refusal | None:
    for stems, thing in (
        (("person",), "contact"),
        (("line_tax", "tax"), "tax"),
        (("warehouse", "from_warehouse", "to_warehouse"), "warehouse"),
        (("payment_method",), "payment method"),
        (("account", "sell_account", "buy_account", "inventory_asset_account", "witholding_account"), "account"),
    ):
        if refused.names_part(*stems):
            return Refusal(
                f"Jurnal does not take the {thing} that this names",
                _mended(refused.command, f"Make the {thing} in Jurnal", "map another one"),
            )
    if refused.says(_ABSENT):
        return Refusal("Jurnal does not have something that this names", "Make it in Jurnal, then retry")
    return None


def _right(refused: _Refused) -> Refusal | None:
    if refused.status != 403:
        return None
    if isinstance(refused.command, (TransferStock, AdjustStock)):
        return Refusal(
            "The company's plan of Jurnal has no warehouses or stock",
            "Choose a plan with inventory, or leave stock out of the set-up, then retry",
        )
    return Refusal(
        "Jurnal does not allow this credential to do this",
        f"Give it the right to write {resource_of(refused.command).plural.replace('_', ' ')}, then retry",
    )


def _form(refused: _Refused) -> Refusal | None:
    if refused.status != 406:
        return None
    if refused.says(_SUBSCRIPTION):
        return Refusal("The company's subscription of Jurnal has ended", "Renew it, then retry")
    return Refusal("Jurnal does not accept the request in this form", "Report this to support with its identity")


def _guarded(refused: _Refused) -> Refusal | None:
    if refused.complaint.fields:
        return None
    if isinstance(refused.command, DeleteDuplicate):
        return Refusal(
            "Jurnal does not let go of this duplicate: payments, returns, a reconciliation or closed books hold it",
            "Undo these in Jurnal and retry, or delete it there and skip this",
        )
    # Of other statuses nobody knows that nothing but the invoice is in the way.
    if not isinstance(refused.command, (UpdateInvoice, DeleteInvoice)) or refused.status != _UNPROCESSABLE:
        return None
    return _NOT_LET_GO


# The first that recognises a refusal tells it: the particular before the general.
_RULES: tuple[Callable[[_Refused], Refusal | None], ...] = (
    _stock,
    _period,
    _right,
    _form,
    _money_account,
    _invoice,
    # Of a total that it does not take, Jurnal says that too much is received and that its tax is wrong as well.
    _price,
    _too_much,
    _product,
    _named,
    _text,
    _discount,
    _left_out,
    _guarded,
)
_GENERAL = {
    400: "Jurnal could not read the request",
    404: "Jurnal does not know this address or something the request names",
    413: "Jurnal finds the request too large",
    422: "Jurnal refuses the document as it stands",
}


def refusal_of(
    command: Command, status: int, complaint: Complaint, stock_words: tuple[str, ...] = SHORT_OF_STOCK_WORDS
) -> Refusal:
    """Return what a refusal means. `stock_words`: what Jurnal's messages about too little stock say, in lower case."""
    refused = _Refused(command, status, complaint, stock_words)
    for rule in _RULES:
        found = rule(refused)
        if found is not None:
            return found
    sentence = _GENERAL.get(status, f"Jurnal refuses the request with status {status}")
    return Refusal(sentence, "Put right what Jurnal says, then retry")


def told(command: Command, refusal: Refusal, complaint: Complaint) -> str:
    """Return the whole reason: what is wrong, Jurnal's own words, what to do."""
    return f"{with_words(refusal.sentence, complaint, is_personal=isinstance(command, CreateCustomer))}. " + (
        refusal.what_to_do
    )


def with_words(sentence: str, complaint: Complaint, *, is_personal: bool) -> str:
    """Add Jurnal's own words, except about a person: they may repeat a name, and reasons stand in the ledger."""
    words = ", ".join(complaint.fields) if is_personal else "; ".join(_kept(complaint))
    return f"{sentence}: {words.rstrip('.')}" if words else sentence


def _kept(complaint: Complaint) -> Iterator[str]:
    yield from dict.fromkeys(_NOT_KEPT if _PERSON.search(message) else message for message in complaint.messages)


def missing_reason(command: Command, needs: Iterable[Need]) -> str:
    """Return what is wrong with a command that names what Jurnal has not, and what to do."""
    names = ", ".join(f"{need.kind.replace('_', ' ')} {need.key}" for need in needs)
    return f"Jurnal has no {names}. {_mended(command, 'Make it in Jurnal', 'map another one')}"
