SELECT checksum FROM schema_migration WHERE package = $1 AND number = $2
