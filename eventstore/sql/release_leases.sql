UPDATE store_lease SET expires_at = jurnalsync_clock() WHERE store_id = ANY ($1::text[]) AND purpose = $2 AND owner = $3
