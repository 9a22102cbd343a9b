SELECT sku, sum(in_transit) AS in_transit FROM in_transit_stock WHERE store_id = $1 GROUP BY sku ORDER BY sku
