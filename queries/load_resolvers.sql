-- load_resolvers: hourly aggregates of DNS use of one capture into the store.
-- One row is: an hour, a resolver and a transport.
-- Parameters: $snapshot_id, $cc; reads the registered columns `batch`.
INSERT INTO resolvers (snapshot_id, t_start, t_end, cc, asn, resolver, transport, queries, clients, state)
SELECT
    $snapshot_id, t_start, t_end, $cc, 0, resolver, transport,
    CASE WHEN state = 'value' THEN queries END,
    CASE WHEN state = 'value' THEN clients END,
    state
FROM batch;
