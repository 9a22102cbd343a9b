SELECT min(coalesce(c.position, 0))
FROM unnest(ARRAY['jurnal_commands', 'store_settings', 'sync_status', 'invoice_payment', 'differences']) AS wanted (projection)
LEFT JOIN projection_cursor c ON c.store_id = $1 AND c.projection = wanted.projection
