SELECT pos, stream, version, type, data, metadata, recorded_at FROM events WHERE pos > $1 ORDER BY pos LIMIT $2
