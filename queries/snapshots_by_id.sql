-- snapshots_by_id: the files behind a study.
-- One row per snapshot.   Parameters: $snapshot_ids (a list).
SELECT
    snapshot_id, source, origin, sha256, bytes, retrieved_at, tool_version, licence, attribution, timezone,
    rows_loaded, rows_rejected
FROM snapshots
WHERE list_contains($snapshot_ids, snapshot_id)
ORDER BY source, origin, snapshot_id;
