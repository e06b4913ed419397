-- load_measures: hourly and daily indicators of one capture into the store.
-- One row is: an observation.
-- Parameters: $snapshot_id, $cc; reads the registered columns `batch`, where NaN stands for NULL.
INSERT INTO observations (
    snapshot_id, indicator, cc, asn, entity, t_start, t_end, value, unit, state, quality, n, scale_id
)
SELECT
    $snapshot_id, indicator, $cc, 0, entity, t_start, t_end,
    CASE WHEN isnan(value) THEN NULL ELSE value END,
    unit, state,
    CASE WHEN isnan(quality) THEN NULL ELSE quality END,
    CAST(CASE WHEN isnan(n) THEN NULL ELSE n END AS BIGINT),
    scale_id
FROM batch;
