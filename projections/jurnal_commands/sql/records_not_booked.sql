SELECT status, coalesce(reason, '') AS reason, count(*) AS records
FROM sync_list
WHERE store_id = $1 AND business_date BETWEEN $2 AND $3 AND status IN ('Held', 'Pending', 'Processing', 'Failed')
GROUP BY 1, 2
ORDER BY 3 DESC, 1, 2
LIMIT 50
