SELECT number FROM schema_migration WHERE package = $1
