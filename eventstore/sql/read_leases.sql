SELECT store_id, owner FROM store_lease WHERE purpose = $1 AND expires_at > jurnalsync_clock()
