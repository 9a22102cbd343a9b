"""When each register's last shift was closed: orders of the shift may go from then on."""

from datetime import datetime

import msgspec

SHIFTS_KEY = "shifts"


class Shifts(msgspec.Struct, frozen=True, tag="shifts"):
    """When the last shift of a register that is closed by now was closed (UTC), by register id."""

    closed: dict[str, datetime] = {}
