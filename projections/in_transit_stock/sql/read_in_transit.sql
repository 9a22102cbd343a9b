SELECT transfer_id, transfer_number, sku, sent, received, returned, rejected, in_transit
FROM in_transit_stock WHERE store_id = $1 AND (transfer_id, sku) > ($2, $3) ORDER BY transfer_id, sku LIMIT $4
