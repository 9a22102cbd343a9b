SELECT l.command_id FROM public.command l
WHERE l.store_id = $1
  AND NOT EXISTS (SELECT 1 FROM projection_shadow.command s WHERE s.store_id = $1 AND s.command_id = l.command_id)
ORDER BY l.position, l.ordinal
