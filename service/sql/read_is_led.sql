-- Whether a replica holds the lease of company $1 now: it renews it whether or not there is anything to send.
SELECT EXISTS (SELECT FROM company_lease WHERE company_id = $1 AND expires_at > jurnalsync_clock()) AS is_led
