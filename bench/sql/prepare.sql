-- What pgbench needs beside the shop's own tables: numbered products and variants to choose from at
-- random, and copies of the tables that an order writes, with their columns, indexes and checks.
CREATE SCHEMA bench;

CREATE TABLE bench.place AS
  SELECT (row_number() OVER (ORDER BY id))::int AS n, id, slug FROM product WHERE status = 'ACTIVE';
ALTER TABLE bench.place ADD PRIMARY KEY (n);

-- Variants at their list price, so that prices do not change while it runs.
CREATE TABLE bench.choice AS
  SELECT (row_number() OVER (ORDER BY v.id))::int AS n, v.id, v.sku, r.amount
  FROM product_variant v
  JOIN product p ON p.id = v.product_id AND p.status = 'ACTIVE'
  JOIN variant_price r ON r.variant_id = v.id AND r.currency = 'EUR'
  WHERE v.status = 'ACTIVE' AND NOT EXISTS (SELECT FROM flash_sale f WHERE f.variant_id = v.id);
ALTER TABLE bench.choice ADD PRIMARY KEY (n);

-- Enough of everything: pieces come in with a line in the ledger. Its note tells `stockroom doctor`
-- that nobody was told of them, as of all that is written in bulk.
CREATE TABLE bench.raised AS
  SELECT l.id, l.on_hand, l.reserved, l.version + 1 AS version
  FROM stock_level l JOIN warehouse w ON w.id = l.warehouse_id AND w.is_default;
UPDATE stock_level l SET on_hand = l.on_hand + 1000000, version = r.version
  FROM bench.raised r WHERE r.id = l.id;
INSERT INTO stock_movement (id, level_id, kind, on_hand_change, reserved_change, on_hand_after,
    reserved_after, version, note, created_at)
  SELECT gen_random_uuid(), id, 'RECEIPT', 1000000, 0, on_hand + 1000000, reserved, version,
    'Demo data', now()
  FROM bench.raised;
DROP TABLE bench.raised;

CREATE TABLE bench.shop_order (LIKE shop_order INCLUDING ALL);
CREATE TABLE bench.order_line (LIKE order_line INCLUDING ALL);
CREATE TABLE bench.payment (LIKE payment INCLUDING ALL);
CREATE TABLE bench.stock_level (LIKE stock_level INCLUDING ALL);
CREATE TABLE bench.stock_movement (LIKE stock_movement INCLUDING ALL);
CREATE TABLE bench.cart (LIKE cart INCLUDING ALL);
CREATE TABLE bench.cart_line (LIKE cart_line INCLUDING ALL);
ALTER TABLE bench.order_line ADD FOREIGN KEY (order_id) REFERENCES bench.shop_order (id);
ALTER TABLE bench.order_line ADD FOREIGN KEY (variant_id) REFERENCES product_variant (id);
ALTER TABLE bench.payment ADD FOREIGN KEY (order_id) REFERENCES bench.shop_order (id);
ALTER TABLE bench.stock_movement ADD FOREIGN KEY (level_id) REFERENCES bench.stock_level (id);
ALTER TABLE bench.cart_line ADD FOREIGN KEY (cart_id) REFERENCES bench.cart (id);
ALTER TABLE bench.cart_line ADD FOREIGN KEY (variant_id) REFERENCES product_variant (id);

INSERT INTO bench.stock_level
  SELECT l.* FROM stock_level l JOIN warehouse w ON w.id = l.warehouse_id AND w.is_default;
CREATE TABLE bench.basket AS
  SELECT n, gen_random_uuid() AS id FROM generate_series(1, 20000) n;
ALTER TABLE bench.basket ADD PRIMARY KEY (n);
INSERT INTO bench.cart (id, currency, status, country, created_at, updated_at, expires_at)
  SELECT id, 'EUR', 'OPEN', 'DE', now(), now(), now() + interval '30 days' FROM bench.basket;

-- Tables are never empty in a shop: a session that has planned for empty ones keeps scanning them.
INSERT INTO bench.shop_order (id, number, kind, status, email, email_key, currency, subtotal,
    shipping_total, tax_total, total, created_at, updated_at)
  SELECT id, 'SO-' || n, 'SALE', 'PAID', 'buyer@example.com', 'buyer@example.com', 'EUR', 1000, 0,
    190, 1190, now(), now()
  FROM bench.basket;
INSERT INTO bench.order_line (id, order_id, position, variant_id, sku, product_name, variant_name,
    options, quantity, unit_price, line_total, tax_rate_ppm, tax)
  SELECT gen_random_uuid(), b.id, 0, c.id, c.sku, 'Product', 'Variant', '[]', 1, 1000, 1000, 190000,
    190
  FROM bench.basket b JOIN bench.choice c ON c.n = b.n % 10000 + 1;
INSERT INTO bench.payment (id, order_id, order_number, provider, method, currency, amount,
    capture_at_once, state, authorized, captured, created_at, updated_at)
  SELECT gen_random_uuid(), id, 'SO-' || n, 'sandbox', 'card_approved', 'EUR', 1190, true,
    'CAPTURED', 1190, 1190, now(), now()
  FROM bench.basket;
VACUUM ANALYZE;
