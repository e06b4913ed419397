-- block_snapshot_insert: record where catalogue rows came from.
-- Writes one row of snapshots. retrieved_at stays NULL: a table read from disk does not say when it was retrieved.
-- Parameters: $snapshot_id, $source, $origin, $sha256, $bytes, $tool_version, $licence, $attribution, $timezone,
-- $rows_loaded.
INSERT INTO snapshots (
    snapshot_id, source, origin, sha256, bytes, tool_version, licence, attribution, timezone, rows_loaded, rows_rejected
)
VALUES (
    $snapshot_id, $source, $origin, $sha256, $bytes, $tool_version, $licence, $attribution, $timezone, $rows_loaded, 0
);
