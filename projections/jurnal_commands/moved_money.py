"""The customer's money that a command moves into an account or out of it."""

from projections.changes.asked import Moved
from projections.jurnal_commands.commands import BookInvoice, Command, ReceivePayment, RefundCredit


def moved_by(command: Command) -> Moved | None:
    """Return it; None where the command moves none, or deletes with an invoice what that one had moved."""
    match command:
        case BookInvoice(deposit_account=str(account)) if command.deposit:
            return Moved(account, command.deposit, command.transaction_date)
        case ReceivePayment():
            return Moved(command.account, command.amount, command.transaction_date)
        case RefundCredit():
            return Moved(command.account, -command.amount, command.transaction_date)
        case _:
            return None
