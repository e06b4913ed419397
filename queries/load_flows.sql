-- load_flows: hourly aggregates of labelled flows of one capture into the store.
-- One row is: an hour and a label.   Parameters: $snapshot_id, $cc; reads the registered columns `batch`.
INSERT INTO flows (
    snapshot_id, t_start, t_end, cc, asn, family, provider, kind, confidence, flows, clients, bytes_up, bytes_down,
    packets, state
)
SELECT
    $snapshot_id, t_start, t_end, $cc, 0, family, provider, kind, confidence,
    CASE WHEN state = 'value' THEN flows END,
    CASE WHEN state = 'value' THEN clients END,
    CASE WHEN state = 'value' THEN bytes_up END,
    CASE WHEN state = 'value' THEN bytes_down END,
    CASE WHEN state = 'value' THEN packets END,
    state
FROM batch;
