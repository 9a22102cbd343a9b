"""Members (customers). The webhook's body is undocumented; names follow the order's customer fields."""

import msgspec

from eventstore.facts.reports.kind import ReportKind
from eventstore.personal import ClearPaths


class MemberReport(msgspec.Struct, frozen=True, kw_only=True):
    """A registered customer. Names, phone and e-mail are tokens in the ledger."""

    customer_id: str
    external_customer_id: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone_number: str | None = None
    email: str | None = None


MEMBER = ReportKind(
    name="member",
    fact_type="MemberReported",
    schema_version=1,
    struct=MemberReport,
    id_field="customer_id",
    stream_prefix="customer-",
    clear=ClearPaths("customer_id", "external_customer_id", "modified_date"),
    persons={"": "customer_id"},
)
