-- block_snapshot: the table of these bytes, if it was read before.
-- At most one row. Parameters: $sha256.
SELECT snapshot_id, source, rows_loaded, rows_rejected FROM snapshots WHERE sha256 = $sha256;
