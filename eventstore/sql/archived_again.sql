SELECT f.position FROM facts f JOIN archived_fact a ON a.store_id = f.store_id
   AND (a.source_id = f.source_id OR (a.stream_id = f.stream_id AND a.stream_version = f.stream_version))
WHERE f.store_id = $1 AND a.store_id = $1 AND f.position >= $2 AND f.position <= $3 AND a.position <> f.position
ORDER BY f.position LIMIT 1
