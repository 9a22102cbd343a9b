SELECT store_id, position, body FROM store_setting WHERE name = 'Sending' AND body <> ''
