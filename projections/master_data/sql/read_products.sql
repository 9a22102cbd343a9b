SELECT product_id, sku, told_sku, name, product_type, unit, price, buying_price, track_inventory, is_active, updated
FROM iseller_product
WHERE store_id = $1
ORDER BY sku, product_id
