UPDATE company_lease SET expires_at = jurnalsync_clock() WHERE company_id = $1 AND owner = $2
