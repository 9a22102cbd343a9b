SELECT day, unsettled FROM clearing_day WHERE store_id = $1 AND unsettled > 0 ORDER BY day
