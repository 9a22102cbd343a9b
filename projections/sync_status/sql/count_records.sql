SELECT status, count(*) AS records FROM sync_list WHERE store_id = $1 GROUP BY status
