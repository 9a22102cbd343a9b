INSERT INTO poll_cursor (store_id, endpoint, modified_after, reading_after, swept_on) VALUES ($1, $2, $3, $3, $4)
ON CONFLICT (store_id, endpoint) DO UPDATE SET reading_after = excluded.reading_after, swept_on = excluded.swept_on
