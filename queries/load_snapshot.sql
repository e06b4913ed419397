-- load_snapshot: what is known of the file itself.
-- One row is: a snapshot.   Parameters: $snapshot_id, $source, $origin, $sha256, $bytes, $retrieved_at, $tool_version,
-- $licence, $attribution, $timezone, $byte_basis, $rows_loaded, $rows_rejected, $note.
INSERT INTO snapshots (
    snapshot_id, source, origin, sha256, bytes, retrieved_at, tool_version, licence, attribution, timezone,
    byte_basis, rows_loaded, rows_rejected, note
)
VALUES (
    $snapshot_id, $source, $origin, $sha256, $bytes, $retrieved_at, $tool_version, $licence, $attribution, $timezone,
    $byte_basis, $rows_loaded, $rows_rejected, $note
);
