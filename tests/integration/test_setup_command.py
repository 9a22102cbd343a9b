"""`jurnalsync setup`: what an operator sees of it."""

from pathlib import Path

from tests.integration.command_line import environment, jurnalsync
from tests.integration.store_file import TEXT, write_store_file
from tests.integration.whole_store_file import WHOLE
from tests.ledger import STORE

__all__ = ["environment"]


async def test_a_set_up_is_looked_at_before_it_is_applied(environment: dict[str, str], tmp_path: Path) -> None:
    """`diff` and `--dry-run` print the lines that `apply` prints, and leave the store as it stands."""
    await jurnalsync("setup", "apply", str(write_store_file(tmp_path, TEXT)), **environment)
    path = str(write_store_file(tmp_path, WHOLE))
    shown = await jurnalsync("setup", "diff", path, **environment)
    dry = await jurnalsync("setup", "apply", "--dry-run", path, **environment)
    applied = await jurnalsync("setup", "apply", path, **environment)
    assert shown.out == dry.out
    assert shown.out.splitlines()[:-1] == applied.out.splitlines()[:-1]
    assert "sales: charge_product not set → ISELLER-CHARGE" in shown.out
    assert shown.out.splitlines()[-1] == f"Store {STORE} is left as it stands: apply it without --dry-run."
    assert applied.out.splitlines()[-1] == f"Store {STORE} is set up."
    assert (await jurnalsync("setup", "diff", path, **environment)).out == f"Store {STORE}: no change.\n"


async def test_mappings_go_out_and_come_in_as_csv(environment: dict[str, str], tmp_path: Path) -> None:
    """What `export` writes, `import` reads; the help names the columns."""
    await jurnalsync("setup", "apply", str(write_store_file(tmp_path, WHOLE)), **environment)
    path = tmp_path / "products.csv"
    told = await jurnalsync("setup", "export", "products", str(path), "--store", STORE, **environment)
    assert told.out == f"products of store {STORE} written to {path}.\n"
    assert path.read_text() == "scope,sku,account\n,MOCHA,Coffee Sales\nmarketplace:tokopedia,LATTE,Tokopedia Coffee\n"
    path.write_text(path.read_text() + "kiosk,LATTE,Kiosk Coffee\n")
    changed = await jurnalsync("setup", "import", "products", str(path), "--store", STORE, **environment)
    assert changed.out == f"sales accounts of kiosk: products LATTE not set → Kiosk Coffee\nStore {STORE} is set up.\n"
    shown = await jurnalsync("setup", "export", "products", "--store", STORE, **environment)
    assert "kiosk,LATTE,Kiosk Coffee" in shown.out
    assert "products: scope,sku,account" in (await jurnalsync("setup", "import", "--help")).out


async def test_a_wrong_cell_ends_in_code_1_with_file_line_and_column(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """One line a cell."""
    await jurnalsync("setup", "apply", str(write_store_file(tmp_path, TEXT)), **environment)
    path = tmp_path / "products.csv"
    path.write_text("sku,account\nLATTE,\n")
    ended = await jurnalsync("setup", "import", "products", str(path), "--store", STORE, **environment)
    assert (ended.code, ended.err) == (1, f"jurnalsync: {path}: line 2, column account: is empty; fill it in\n")


async def test_an_outlet_is_mapped_no_more_when_somebody_says_so(environment: dict[str, str], tmp_path: Path) -> None:
    """By its id, or by a file that leaves it out and the word for it; without the word the diff only shows it."""
    await jurnalsync("setup", "apply", str(write_store_file(tmp_path, WHOLE)), **environment)
    looked = await jurnalsync("setup", "unmap", "outlet", "kiosk", "--store", STORE, "--dry-run", **environment)
    done = await jurnalsync("setup", "unmap", "outlet", "kiosk", "--store", STORE, "--actor", "owner", **environment)
    lines = ["sales accounts of kiosk: taken away", "outlet Kiosk: mapped no more"]
    assert looked.out.splitlines()[:-1] == done.out.splitlines()[:-1] == lines
    again = await jurnalsync("setup", "unmap", "outlet", "kiosk", "--store", STORE, **environment)
    assert again.out == f"Store {STORE}: no change.\n"
    await jurnalsync("setup", "unmap", "sales-accounts", "", "--store", STORE, **environment)
    told = (await jurnalsync("setup", "history", "--store", STORE, **environment)).out.splitlines()
    assert [line.split("  ")[2:] for line in told[-3:]] == [
        ["owner", lines[0]],
        ["owner", lines[1]],
        ["command line", "sales accounts: taken away"],
    ]
    path = str(write_store_file(tmp_path, WHOLE.replace('id = "branch"', 'id = "bandung"')))
    shown = (await jurnalsync("setup", "diff", path, **environment)).out
    assert "outlet Branch: not in the file, and stays mapped; --unmap takes it away" in shown
    assert "outlet Branch: mapped no more" in (await jurnalsync("setup", "apply", path, "--unmap", **environment)).out


async def test_who_changed_a_setting_is_told_with_when_and_what(environment: dict[str, str], tmp_path: Path) -> None:
    """By file, by CSV and by nobody who gave a name; who changes nothing is not named."""
    await jurnalsync("setup", "apply", str(write_store_file(tmp_path, TEXT)), **environment)
    renamed = write_store_file(tmp_path, TEXT.replace("Branch Warehouse", "Their Warehouse"))
    await jurnalsync("setup", "apply", str(renamed), "--actor", "owner", **environment)
    await jurnalsync("setup", "apply", str(renamed), "--actor", "somebody", **environment)
    products = tmp_path / "products.csv"
    products.write_text("sku,account\nLATTE,Coffee Sales\n")
    by_csv = ("setup", "import", "products", str(products), "--store", STORE, "--actor", "accountant")
    await jurnalsync(*by_csv, **environment)
    told = (await jurnalsync("setup", "history", "--store", STORE, **environment)).out.splitlines()
    lines = [line.split("  ") for line in told]
    assert [(position, actor, change) for position, _, actor, change in lines] == [
        ("1", "command line", "store: new"),
        ("2", "command line", "outlet Main Outlet: new"),
        ("3", "command line", "outlet Branch: new"),
        ("4", "owner", "outlet Branch: warehouse Branch Warehouse → Their Warehouse"),
        ("5", "accountant", "sales accounts: new"),
    ]
    about = await jurnalsync("setup", "history", "--store", STORE, "--about", "branch", **environment)
    assert about.out.splitlines() == told[2:4]
