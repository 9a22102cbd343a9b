-- Whether anything of these stores was sent whose answer is not known, or is being sent.
SELECT EXISTS (SELECT FROM send WHERE store_id = ANY ($1::text[]) AND company_id = $2 AND state = 'unknown')
    OR EXISTS (SELECT FROM send WHERE store_id = ANY ($1::text[]) AND company_id = $2 AND state = 'sending')
