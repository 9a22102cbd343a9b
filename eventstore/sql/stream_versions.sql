SELECT s.stream_id,
       coalesce((SELECT f.stream_version FROM facts f WHERE f.store_id = $1 AND f.stream_id = s.stream_id
                 ORDER BY f.stream_version DESC LIMIT 1),
                (SELECT a.stream_version FROM archived_fact a WHERE a.store_id = $1 AND a.stream_id = s.stream_id
                 ORDER BY a.stream_version DESC LIMIT 1)) AS stream_version
FROM unnest($2::text[]) AS s (stream_id)
