SELECT CASE WHEN c.state = 'due' AND s.state IN ('sending', 'waiting', 'unknown') THEN s.state ELSE c.state END AS state,
       count(*) AS commands
FROM command c
LEFT JOIN send s ON s.store_id = c.store_id AND s.command_id = c.command_id
GROUP BY 1
