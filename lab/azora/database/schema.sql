-- The shop's tables and enough rows that an index matters. Run once, as the owner, in the database azora.
CREATE TABLE users (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  email text NOT NULL, name text NOT NULL, salt text NOT NULL, password_hash text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE sessions (
  id uuid PRIMARY KEY, user_id bigint NOT NULL REFERENCES users,
  created_at timestamptz NOT NULL DEFAULT now(), ended_at timestamptz);
CREATE TABLE products (
  sku text PRIMARY KEY, name text NOT NULL, price_cents bigint NOT NULL, currency text NOT NULL);
CREATE TABLE orders (
  id uuid PRIMARY KEY, user_id bigint NOT NULL REFERENCES users, total_cents bigint NOT NULL, currency text NOT NULL,
  receipt text NOT NULL, created_at timestamptz NOT NULL DEFAULT now());

INSERT INTO users (email, name, salt, password_hash)
  SELECT 'user' || n || '@example.com', 'User ' || n, 's' || n, encode(sha256(('s' || n || 'correct horse')::bytea), 'hex')
  FROM generate_series(1, 1200000) AS n;
INSERT INTO products
  SELECT 'sku-' || n, 'Product ' || n, 500 + 37 * n, CASE WHEN n % 4 = 0 THEN 'USD' ELSE 'EUR' END
  FROM generate_series(1, 40) AS n;
CREATE INDEX idx_users_email ON users (email);
CREATE INDEX idx_sessions_created ON sessions (created_at);
CREATE INDEX idx_orders_user ON orders (user_id, created_at);

