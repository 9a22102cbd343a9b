SELECT CASE WHEN c.state = 'due' AND s.state IN ('sending', 'waiting', 'unknown') THEN s.state
            WHEN c.state = 'due' AND EXISTS (
                SELECT 1 FROM command n
                WHERE n.store_id = c.store_id AND n.command_id = ANY (c.needs) AND n.state = 'skipped') THEN 'skipped'
            ELSE c.state END AS state,
       count(*) AS commands
FROM command c
LEFT JOIN send s ON s.store_id = c.store_id AND s.command_id = c.command_id
GROUP BY 1
