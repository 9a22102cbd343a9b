"""Bank deposits, withdrawals and transfers, and journal entries."""

from tests.unit.sandbox_jurnal.shop import Shop

LINES = "transaction_account_lines_attributes"


async def test_a_payout_moves_clearing_to_the_bank_and_the_fee_to_its_account(shop: Shop) -> None:
    """Deposit of the total and withdrawal of the fee, both out of clearing, leave it empty."""
    for name, category in (("Clearing", "Cash & Bank"), ("MDR", "Expenses")):
        await shop.make("accounts", "account", name=name, category_name=category)
    await shop.sell(deposit=100_000, deposit_to_name="Clearing")
    day = "2026-03-10"
    deposit = await shop.call(
        "POST",
        "bank_deposits",
        {
            "bank_deposit": {
                "transaction_date": day,
                "deposit_to_name": "Bank BCA",
                "custom_id": "po-1",
                LINES: [{"account_name": "Clearing", "credit": 99_300}],
            }
        },
    )
    withdrawal = await shop.call(
        "POST",
        "bank_withdrawals",
        {
            "bank_withdrawal": {
                "transaction_date": day,
                "refund_from_name": "Clearing",
                LINES: [{"account_name": "MDR", "debit": 700}],
            }
        },
    )
    assert (deposit.status, withdrawal.status) == (201, 200)
    assert deposit.body["bank_deposit"]["original_amount"] == 99_300
    assert deposit.body["bank_deposit"]["transaction_status"]["name"] == "Closed"
    assert await shop.balances() == {"Bank BCA": "99300", "MDR": "700", "Service Revenue": "-100000"}
    assert (await shop.show("bank_deposits", "po-1"))["id"] == deposit.body["bank_deposit"]["id"]


async def test_tax_on_a_line_is_added_to_the_total(shop: Shop) -> None:
    """11 % on 300,000 makes 333,000 and is owed as VAT."""
    line = {"account_name": "Other Income", "credit": 300_000, "line_tax_name": "PPN"}
    made = await shop.make(
        "bank_deposits", "bank_deposit", transaction_date="15-03-2026", deposit_to_name="Cash", **{LINES: [line]}
    )
    assert (made["subtotal"], made["tax_amount"], made["original_amount"]) == (300_000, "33000.0", 333_000)
    assert await shop.balances() == {"Cash": "333000", "VAT Out": "-33000", "Other Income": "-300000"}


async def test_a_deposit_to_another_kind_of_account_is_refused(shop: Shop) -> None:
    """Only Cash & Bank takes a deposit."""
    fields = {
        "transaction_date": "2026-03-10",
        "deposit_to_name": "Inventory",
        LINES: [{"account_name": "Other Income", "credit": 1}],
    }
    reply = await shop.call("POST", "bank_deposits", {"bank_deposit": fields})
    assert (reply.status, reply.body["error_full_messages"]) == (422, ["deposit account not exist"])


async def test_a_batch_of_deposits_refuses_used_keys_in_their_rows(shop: Shop) -> None:
    """A repeated custom_id and a repeated number are refused; HTTP stays 200."""
    fields = {
        "transaction_date": "2026-03-10",
        "deposit_to_name": "Cash",
        LINES: [{"account_name": "Other Income", "credit": 1}],
    }
    keys = ({"custom_id": "a"}, {"custom_id": "a"}, {"transaction_no": "1"}, {"transaction_no": "1"})
    body = {"bank_deposits": [{"bank_deposit": fields | key} for key in keys]}
    reply = await shop.call("POST", "bank_deposits/batch_create", body)
    rows = [row["bank_deposit"] for row in reply.body["bank_deposits"]]
    assert (reply.status, [row["status"] for row in rows]) == (200, [201, 409, 201, 409])
    assert rows[1]["content"] == {"custom_id": ["has already been taken"]}
    assert rows[1]["body"]["bank_deposit"]["custom_id"] == "a"


async def test_a_bank_transfer_needs_its_number_and_moves_money(shop: Shop) -> None:
    """Date, number and amount are required; deleting takes it back."""
    fields = {"transaction_date": "2026-03-10", "refund_from_name": "Cash", "deposit_to_name": "Bank BCA"}
    refused = await shop.call("POST", "bank_transfers", {"bank_transfer": fields | {"transfer_amount": 5}})
    made = await shop.call(
        "POST", "bank_transfers", {"bank_transfer": fields | {"transfer_amount": 5, "transaction_no": "BT-1"}}
    )
    assert (refused.status, made.status) == (422, 200)
    assert made.body["bank_transfer"]["transfer_amount"] == "5.0"
    assert await shop.balances() == {"Cash": "-5", "Bank BCA": "5"}
    assert (await shop.call("DELETE", f"bank_transfers/{made.body['bank_transfer']['id']}")).status == 204
    assert await shop.balances() == {}


async def test_a_journal_entry_must_balance(shop: Shop) -> None:
    """Equal sides are posted and shown; unequal ones answer 422."""
    lines = [{"account_name": "Cash", "debit": "0.1"}, {"account_name": "Other Income", "credit": 0.1}]
    made = await shop.make(
        "journal_entries", "journal_entry", transaction_date="2026-03-10", custom_id="je-1", **{LINES: lines}
    )
    assert (made["total_debit"], made["total_credit"]) == (0.1, 0.1)
    lines[1] = {"account_name": "Other Income", "credit": 0.2}
    fields = {"transaction_date": "2026-03-10", LINES: lines}
    assert (await shop.call("POST", "journal_entries", {"journal_entry": fields})).status == 422
    assert await shop.balances() == {"Cash": "1/10", "Other Income": "-1/10"}
    assert (await shop.call("DELETE", "journal_entries/je-1")).status == 204
