INSERT INTO iseller_product (store_id, product_id, sku, told_sku, name, product_type, unit, price, buying_price,
                             track_inventory, is_active, updated)
SELECT c.store_id, u.*
FROM projection_cursor c,
     unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::numeric[], $10::numeric[],
            $11::boolean[], $12::boolean[], $13::bigint[]) AS u
WHERE c.store_id = $1 AND c.projection = $2
ON CONFLICT (store_id, product_id) DO UPDATE
SET sku = excluded.sku, told_sku = excluded.told_sku, name = excluded.name, product_type = excluded.product_type,
    unit = excluded.unit, price = excluded.price, buying_price = excluded.buying_price,
    track_inventory = excluded.track_inventory, is_active = excluded.is_active, updated = excluded.updated
