-- released: copies of the tables that may leave the store, and nothing else within reach.
-- No rows.   Parameters: none.   Needs attach_store.
-- Everything a load keeps is aggregated or public; rejections hold lines of a user's own files and stay behind.
-- DuckDB only: settings that close the connection to files, network and extensions and then lock themselves.
CREATE TABLE snapshots AS FROM stored.snapshots;
CREATE TABLE observations AS FROM stored.observations;
CREATE TABLE blocks AS FROM stored.blocks;
CREATE TABLE non_events AS FROM stored.non_events;
CREATE TABLE block_claims AS FROM stored.block_claims;
CREATE TABLE published AS FROM stored.published;
CREATE TABLE plans AS FROM stored.plans;
CREATE TABLE runs AS FROM stored.runs;
CREATE TABLE estimates AS FROM stored.estimates;
CREATE TABLE checks AS FROM stored.checks;
DETACH stored;
SET enable_external_access = false;
SET lock_configuration = true;
