-- Orders of the last three years, one piece each, with line, payment and history, as the shop writes
-- them; and what its figures by the day come to.
BEGIN;
CREATE TEMPORARY TABLE new_order ON COMMIT DROP AS
  SELECT n, gen_random_uuid() AS id, now() - n * interval '90 seconds' AS at,
    (n % (SELECT count(*) FROM bench.choice) + 1)::int AS choice
  FROM generate_series(1, :count) n;
ALTER TABLE new_order ADD COLUMN amount bigint;
UPDATE new_order o SET amount = c.amount FROM bench.choice c WHERE c.n = o.choice;
INSERT INTO shop_order (id, number, kind, status, email, email_key, currency, subtotal,
    shipping_total, tax_total, total, paid_total, created_at, updated_at)
  SELECT id, 'SO-B' || n, 'SALE', 'PAID', 'buyer' || n || '@example.com',
    'buyer' || n || '@example.com', 'EUR', amount, 0, 0, amount, amount, at, at
  FROM new_order;
INSERT INTO order_line (id, order_id, position, variant_id, sku, product_name, variant_name, options,
    quantity, unit_price, line_total, tax_rate_ppm, tax)
  SELECT gen_random_uuid(), o.id, 0, c.id, c.sku, 'Product', 'Variant', '[]', 1, o.amount, o.amount,
    0, 0
  FROM new_order o JOIN bench.choice c ON c.n = o.choice;
INSERT INTO payment (id, order_id, order_number, provider, method, currency, amount, capture_at_once,
    state, authorized, captured, created_at, updated_at)
  SELECT gen_random_uuid(), id, 'SO-B' || n, 'sandbox', 'card_approved', 'EUR', amount, true,
    'CAPTURED', amount, amount, at, at
  FROM new_order;
INSERT INTO order_event (id, order_id, version, type, from_status, to_status, data, paid, created_at)
  SELECT gen_random_uuid(), id, 1, 'PLACED', NULL, 'PAID', '{}', amount, at FROM new_order;
INSERT INTO order_stat (day, currency, measure, count, amount)
  SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), 'EUR', m, count(*), sum(amount)
  FROM new_order, unnest(ARRAY['placed', 'paid']) m GROUP BY 1, 3
  UNION ALL SELECT '', 'EUR', 'PAID', count(*), 0 FROM new_order
  ON CONFLICT (day, currency, measure) DO UPDATE
    SET count = order_stat.count + excluded.count, amount = order_stat.amount + excluded.amount;
COMMIT;
VACUUM ANALYZE;
