CREATE TYPE mood AS ENUM ('fine', 'so-so', 'it''s bad, "very"');
CREATE DOMAIN percent AS numeric(5, 2) CHECK (VALUE BETWEEN 0 AND 100);
CREATE TYPE place AS (street text, number int);
CREATE TABLE orders (id int PRIMARY KEY, status text, price numeric(10, 2), at timestamptz NOT NULL DEFAULT '2026-01-02 03:04:05.678901+02', note text);
INSERT INTO orders SELECT n, CASE WHEN n % 4 = 0 THEN 'stuck' WHEN n % 7 = 0 THEN NULL ELSE 'ok' END, n * 1.10, '2026-01-01 00:00+00'::timestamptz + n * interval '1 hour' FROM generate_series(1, 40) AS n;
CREATE TABLE regions (id int PRIMARY KEY, name text UNIQUE);
INSERT INTO regions VALUES (1, 'north'), (2, 'south'), (3, 'stuck');
CREATE SCHEMA "we ird";
CREATE TABLE "we ird"."Or;ders" ("I d" int, "sta""tus" text, "{t}" text, PRIMARY KEY ("I d"));
INSERT INTO "we ird"."Or;ders" VALUES (1, 'a''b\c', '{t}'), (2, NULL, 'x|y'), (3, E'line\nline', E'\t');
CREATE TABLE nullable (k int, v text, UNIQUE (k));
INSERT INTO nullable VALUES (1, 'a'), (NULL, 'b'), (NULL, 'b'), (2, NULL);
CREATE TABLE keyless (a int, b text);
INSERT INTO keyless VALUES (1, 'x'), (1, 'x'), (2, NULL), (3, 'z');
CREATE TABLE pair (a int, b text, v text, PRIMARY KEY (b, a));
INSERT INTO pair VALUES (1, 'x', 'one'), (1, 'y', 'two'), (2, 'x', 'three');
CREATE TABLE every (
  id uuid PRIMARY KEY, j jsonb, raw json, texts text[], numbers int[], bytes bytea, at timestamptz, plain timestamp, day date, clock timetz,
  amount numeric, real_ real, double_ double precision, wait interval, net inet, nets cidr, mac macaddr, bits bit(5), many bit varying,
  fixed char(6), short varchar(20), one "char", span int4range, times tstzrange, how mood, share percent, spot point, shape box, words tsvector,
  yes boolean, small smallint, large bigint, sys oid, label name, moods mood[], shares percent[]
);
INSERT INTO every VALUES
 ('00000000-0000-0000-0000-000000000001', '{"a": [1.10, null, "\u20ac"], "b\"": {}}', '{ "a" :1,  "a": 2 }', ARRAY['a,b', NULL, '"', '\', ''], '{{1,2},{NULL,4}}',
  '\x00ff27275c', '2026-03-29 02:30:00.123456+02', 'infinity', '0044-03-15 BC', '04:05:06.7-08', 'NaN', 'NaN', 0.1::float8 + 0.2::float8, '1 year 2 mons 3 days 04:05:06.000007',
  '10.0.0.1', '10.0.0.0/8', '08:00:2b:01:02:03', B'10101', B'', 'ab', 'it''s', 'x', '[1,5)', '["2026-01-01 00:00+00",)', 'it''s bad, "very"', 33.30, '(1.5,-2)', '(3,4),(1,2)',
  'a:1A fat:2B cat', true, -32768, 9223372036854775807, 4294967295, 'a name', '{fine,"it''s bad, \"very\""}', '{1.00,99.99}'),
 ('00000000-0000-0000-0000-000000000002', 'null', 'null', '{}', '{}', '', '-infinity', '0001-01-01 00:00:00', 'infinity', '00:00+00', '-1e-30', '-0', '-0',
  '0', '::1', '::/0', 'ff:ff:ff:ff:ff:ff', B'00000', B'1', '', '', ' ', 'empty', 'empty', 'fine', 0, '(0,0)', '(0,0),(0,0)', '', false, 0, 0, 0, '', '{}', '{}');
INSERT INTO every (id) VALUES ('00000000-0000-0000-0000-000000000003');
CREATE TABLE waits (id int PRIMARY KEY, wait interval);
INSERT INTO waits VALUES (1, '1 day -02:00:00'), (2, '1 hour');
CREATE TABLE odd (id int PRIMARY KEY, fee money, doc xml, home place, kind regclass);
INSERT INTO odd VALUES (1, '12.34', '<a/>', '("High St",3)', 'orders');
CREATE TABLE big (id int PRIMARY KEY, body text);
INSERT INTO big VALUES (1, repeat('ä|', 5000)), (2, repeat('x', 2000000)), (3, 'small');
CREATE TABLE computed (id int PRIMARY KEY, a int, double_a int GENERATED ALWAYS AS (a * 2) STORED, always int GENERATED ALWAYS AS IDENTITY);
INSERT INTO computed (id, a) VALUES (1, 10), (2, 20), (3, NULL);
CREATE TABLE serials (id serial PRIMARY KEY, name text, made timestamptz DEFAULT now());
INSERT INTO serials (name) VALUES ('a'), ('b');
CREATE TABLE logged (id int PRIMARY KEY, v text, touched int DEFAULT 0);
CREATE TABLE log (line text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES (TG_OP); IF TG_OP = 'UPDATE' THEN NEW.touched := NEW.touched + 1; END IF; RETURN coalesce(NEW, OLD); END $$;
INSERT INTO logged VALUES (1, 'a'), (2, 'b');
CREATE TRIGGER noted BEFORE INSERT OR UPDATE OR DELETE ON logged FOR EACH ROW EXECUTE FUNCTION note();
CREATE TABLE loud (id int PRIMARY KEY, v text);
INSERT INTO loud VALUES (1, 'a');
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES ('loud'); RETURN NULL; END $$;
CREATE TRIGGER shouts AFTER UPDATE OR DELETE ON loud FOR EACH STATEMENT EXECUTE FUNCTION shout();
CREATE TABLE customers (id int PRIMARY KEY, code text UNIQUE, name text);
INSERT INTO customers VALUES (1, 'c1', 'ana'), (2, 'c2', 'ben'), (3, 'c3', 'cid');
CREATE TABLE invoices (id int PRIMARY KEY, customer int REFERENCES customers ON DELETE CASCADE, code text REFERENCES customers (code) ON UPDATE CASCADE);
INSERT INTO invoices VALUES (1, 1, 'c1'), (2, 1, NULL), (3, 2, 'c2');
CREATE TABLE tree (id int PRIMARY KEY, parent int REFERENCES tree ON DELETE SET NULL, v text);
INSERT INTO tree VALUES (1, NULL, 'root'), (2, 1, 'leaf'), (3, 1, 'leaf');
CREATE TABLE strict (id int PRIMARY KEY);
INSERT INTO strict VALUES (1), (2);
CREATE TABLE pointing (id int PRIMARY KEY, strict int REFERENCES strict);
INSERT INTO pointing VALUES (1, 1);
CREATE TABLE parted (id int, day date, v text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
INSERT INTO parted VALUES (1, '2026-01-05', 'a'), (2, '2026-02-05', 'b'), (3, '2026-02-06', 'b');
CREATE TABLE parent (id int PRIMARY KEY, v text);
CREATE TABLE child () INHERITS (parent);
INSERT INTO parent VALUES (1, 'p');
INSERT INTO child VALUES (1, 'c');
CREATE VIEW open_orders AS SELECT * FROM orders WHERE status = 'stuck';
CREATE TABLE ruled (id int PRIMARY KEY, v text);
INSERT INTO ruled VALUES (1, 'a');
CREATE RULE instead AS ON DELETE TO ruled DO INSTEAD UPDATE ruled SET v = 'gone' WHERE id = OLD.id;
CREATE TABLE secured (id int PRIMARY KEY, owner text, v text);
INSERT INTO secured VALUES (1, 'azora', 'a'), (2, 'someone', 'b');
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON secured USING (owner = current_user);
CREATE SCHEMA other;
CREATE TABLE twice (id int PRIMARY KEY, v text);
CREATE TABLE other.twice (id int PRIMARY KEY, v text);
CREATE TABLE other.hidden (id int PRIMARY KEY, v text);
INSERT INTO twice VALUES (1, 'public');
INSERT INTO other.twice VALUES (1, 'other'), (2, 'other');
INSERT INTO other.hidden VALUES (1, 'h');
CREATE FUNCTION spill() RETURNS text LANGUAGE plpgsql VOLATILE AS $$ BEGIN INSERT INTO log VALUES ('spilt'); RETURN 'stuck'; END $$;
CREATE TABLE settings (name text PRIMARY KEY, value text, other text DEFAULT 'd');
INSERT INTO settings VALUES ('limit', '10'), ('mode', 'slow');
CREATE INDEX orders_status ON orders (status) WHERE status IS NOT NULL;
CREATE INDEX orders_note ON orders (note);
COMMENT ON INDEX orders_note IS 'of the search';
CREATE TABLE optioned (id int PRIMARY KEY, v text DEFAULT 'it''s', w int NOT NULL) WITH (fillfactor = 80, autovacuum_enabled = off);
ALTER TABLE optioned ALTER v SET STATISTICS 250;
INSERT INTO optioned VALUES (1, 'a', 1);
CREATE SEQUENCE counter;
CREATE MATERIALIZED VIEW sums AS SELECT status, count(*) FROM orders GROUP BY 1;
