-- load_endpoints: numbers of distinct endpoints of one capture into the store.
-- One row is: an hour or day and a label.   Parameters: $snapshot_id, $cc; reads the registered columns `batch`.
INSERT INTO endpoint_counts (
    snapshot_id, t_start, t_end, cc, asn, family, kind, confidence, endpoints, domains, state
)
SELECT
    $snapshot_id, t_start, t_end, $cc, 0, family, kind, confidence,
    CASE WHEN state = 'value' THEN endpoints END,
    CASE WHEN state = 'value' THEN domains END,
    state
FROM batch;
