SELECT store_id, min(day) AS day FROM clearing_day WHERE unsettled > 0 GROUP BY store_id
