UPDATE company_lease SET expires_at = $3 WHERE company_id = $1 AND owner = $2
