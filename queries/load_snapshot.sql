-- load_snapshot: what is known of the file itself.
-- One row is: a snapshot.   Parameters: $snapshot_id, $source, $origin, $sha256, $bytes, $retrieved_at, $tool_version,
-- $licence, $attribution, $timezone, $rows_loaded, $rows_rejected.
INSERT INTO snapshots (
    snapshot_id, source, origin, sha256, bytes, retrieved_at, tool_version, licence, attribution, timezone,
    rows_loaded, rows_rejected
)
VALUES (
    $snapshot_id, $source, $origin, $sha256, $bytes, $retrieved_at, $tool_version, $licence, $attribution, $timezone,
    $rows_loaded, $rows_rejected
);
