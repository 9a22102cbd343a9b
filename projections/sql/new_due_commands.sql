SELECT s.command_id FROM projection_shadow.command s
WHERE s.store_id = $1 AND s.state = 'due'
  AND NOT EXISTS (SELECT 1 FROM public.command l WHERE l.store_id = $1 AND l.command_id = s.command_id)
ORDER BY s.position, s.ordinal
