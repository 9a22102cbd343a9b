SELECT h.store_id, bool_or(h.position > coalesce(c.position, 0)) AS behind
FROM ledger_head h
CROSS JOIN unnest($1::text[]) AS wanted (projection)
LEFT JOIN projection_cursor c ON c.store_id = h.store_id AND c.projection = wanted.projection
GROUP BY h.store_id
ORDER BY h.store_id
