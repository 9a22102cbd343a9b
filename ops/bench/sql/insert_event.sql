INSERT INTO events (pos, stream, version, type, data, metadata) VALUES ($1, $2, $3, $4, $5, $6)
