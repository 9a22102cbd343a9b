SELECT position, body FROM store_setting WHERE store_id = $1 AND name = 'Sending' AND body <> ''
