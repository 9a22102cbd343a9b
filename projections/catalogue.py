"""Every projection there is, in the order they are folded."""

from collections.abc import Mapping

from projections.differences.fold import Differences
from projections.in_transit_stock.fold import InTransitStock
from projections.invoice_payment.fold import InvoicePayment
from projections.jurnal_commands.fold import JurnalCommands
from projections.master_data.fold import MasterData
from projections.projection import Projection
from projections.store_settings.fold import StoreSettingsTable
from projections.sync_status.fold import SyncStatus

CATALOGUE: Mapping[str, Projection] = {
    projection.name: projection
    for projection in (
        StoreSettingsTable(),
        MasterData(),
        JurnalCommands(),
        SyncStatus(),
        InvoicePayment(),
        InTransitStock(),
        Differences(),
    )
}
