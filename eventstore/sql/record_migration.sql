INSERT INTO schema_migration (package, number, name, checksum) VALUES ($1, $2, $3, $4)
