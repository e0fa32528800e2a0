-- Run once, as the superuser, in the database postgres. The passwords come as psql variables.
-- The application's database takes fewer connections than the server: whoever looks, or ends a connection,
-- logs into the database postgres and still gets in when the application has used up its own.
CREATE ROLE azora LOGIN PASSWORD :'azora_password';
CREATE ROLE exporter LOGIN PASSWORD :'exporter_password' CONNECTION LIMIT 2;
GRANT pg_monitor TO exporter;
CREATE ROLE replicator LOGIN REPLICATION PASSWORD :'replicator_password';
CREATE DATABASE azora OWNER azora CONNECTION LIMIT 30;
SELECT pg_create_physical_replication_slot('replica', true);
\connect azora
CREATE EXTENSION pg_stat_statements;
