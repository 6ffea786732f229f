-- Variants for orders to be about.
CREATE SCHEMA IF NOT EXISTS bench;
DROP TABLE IF EXISTS bench.choice;
CREATE TABLE bench.choice AS
  SELECT (row_number() OVER (ORDER BY v.id))::int AS n, v.id, v.sku, r.amount
  FROM product_variant v JOIN variant_price r ON r.variant_id = v.id AND r.currency = 'EUR';
ALTER TABLE bench.choice ADD PRIMARY KEY (n);
