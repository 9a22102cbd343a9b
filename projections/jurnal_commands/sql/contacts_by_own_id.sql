-- Asked only after a conflict or a lost answer: that it reads all customers of the store does not matter.
SELECT document FROM command
WHERE store_id = $1 AND command_id <> $2 AND kind = 'CreateCustomer' AND state = 'accepted'
  AND convert_from(body, 'utf8')::jsonb ->> 'own_id' = $3
