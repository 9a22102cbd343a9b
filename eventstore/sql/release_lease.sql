UPDATE store_lease SET expires_at = $4 WHERE store_id = $1 AND purpose = $2 AND owner = $3
