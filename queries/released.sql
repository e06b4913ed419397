-- released: copies of the tables that may leave the store, and nothing else within reach.
-- No rows.   Parameters: none.   Needs attach_store.
-- Everything a load keeps is aggregated or public; rejections hold lines of a user's own files and stay behind.
-- Tables of captures are released as they are stored, which is after suppression, but not by provider: labels of several
-- providers are added up, suppressed where one of them is; clients of several providers cannot be added.
-- DuckDB only: settings that close the connection to files, network and extensions and then lock themselves.
CREATE TABLE snapshots AS FROM stored.snapshots;
CREATE TABLE observations AS FROM stored.observations WHERE indicator NOT LIKE 'capture.%' OR entity NOT LIKE 'provider=%';
CREATE TABLE flows AS
SELECT
    snapshot_id, t_start, t_end, cc, asn, family, kind, confidence,
    CASE WHEN count(*) = count(flows) THEN CAST(sum(flows) AS BIGINT) END AS flows,
    CASE WHEN count(*) = 1 THEN max(clients) END AS clients,
    CASE WHEN count(*) = count(flows) THEN CAST(sum(bytes_up) AS BIGINT) END AS bytes_up,
    CASE WHEN count(*) = count(flows) THEN CAST(sum(bytes_down) AS BIGINT) END AS bytes_down,
    CASE WHEN count(*) = count(flows) THEN CAST(sum(packets) AS BIGINT) END AS packets,
    CASE WHEN count(*) = count(flows) THEN 'value' ELSE 'suppressed' END AS state
FROM stored.flows
GROUP BY snapshot_id, t_start, t_end, cc, asn, family, kind, confidence;
CREATE TABLE requests AS FROM stored.requests;
CREATE TABLE resolvers AS FROM stored.resolvers;
CREATE TABLE endpoint_counts AS FROM stored.endpoint_counts;
CREATE TABLE services AS FROM stored.services;
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
