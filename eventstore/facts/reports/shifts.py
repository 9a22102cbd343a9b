"""Register shifts (GetRegisterShifts)."""

import msgspec

from eventstore.facts.reports.kind import ReportKind
from eventstore.personal import ClearPaths


class RegisterShiftReport(msgspec.Struct, frozen=True, kw_only=True):
    """A cashier's session on a register; `closed_date` absent while it is open. Times UTC."""

    register_shift_id: str
    register_id: str | None = None
    register_name: str | None = None
    outlet_id: str | None = None
    open_date: str | None = None
    closed_date: str | None = None


REGISTER_SHIFT = ReportKind(
    name="register_shift",
    fact_type="RegisterShiftReported",
    schema_version=1,
    struct=RegisterShiftReport,
    id_field="register_shift_id",
    stream_prefix="shift-",
    clear=ClearPaths("register_shift_id", "register_id", "register_name", "outlet_id", "open_date", "closed_date"),
    identity_fields=("register_shift_id", "closed_date"),
)
