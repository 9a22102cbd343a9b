INSERT INTO quota_budget (budget) SELECT unnest($1::text[]) ON CONFLICT (budget) DO NOTHING
