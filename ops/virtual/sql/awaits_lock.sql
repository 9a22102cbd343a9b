SELECT EXISTS (SELECT FROM pg_locks WHERE pid = %s AND NOT granted)
