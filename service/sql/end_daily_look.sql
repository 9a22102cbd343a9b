UPDATE daily_look SET looked_on = greatest(looked_on, $2) WHERE store_id = $1
