-- load_requests: hourly aggregates of requests of one capture into the store.
-- One row is: an hour, a service, a protocol and an outcome.
-- Parameters: $snapshot_id, $cc; reads the registered columns `batch`.
INSERT INTO requests (
    snapshot_id, t_start, t_end, cc, asn, service, protocol, outcome, flows, clients, bytes_up, bytes_down, state
)
SELECT
    $snapshot_id, t_start, t_end, $cc, 0, service, protocol, outcome,
    CASE WHEN state = 'value' THEN flows END,
    CASE WHEN state = 'value' THEN clients END,
    CASE WHEN state = 'value' THEN bytes_up END,
    CASE WHEN state = 'value' THEN bytes_down END,
    state
FROM batch;
