SELECT pg_blocking_pids(%s) && %s::int[]
