-- block_user_events: blocks and non-events that a user added or imported.
-- One row per event; services are joined by ';'. Shipped rows are left out: they are read from the tool itself, so that
-- a store written by an older version does not hide a correction. Parameters: none.
SELECT
    block_id, cc, name, onset_earliest, onset_latest, end_earliest, end_latest,
    CAST(start_precision AS VARCHAR) AS start_precision, CAST(end_precision AS VARCHAR) AS end_precision,
    kind, scope, array_to_string(services, ';') AS services, discovery_route, is_non_event
FROM (
    SELECT *, FALSE AS is_non_event FROM blocks
    UNION ALL
    SELECT *, TRUE AS is_non_event FROM non_events
) AS events
WHERE snapshot_id NOT IN (SELECT snapshot_id FROM snapshots WHERE source = 'catalogue')
ORDER BY block_id;
