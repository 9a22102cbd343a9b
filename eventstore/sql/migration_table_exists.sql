SELECT to_regclass('schema_migration')::text
