SELECT pg_notify('jurnalsync_appended', store_id) FROM unnest($1::text[]) AS store_id
