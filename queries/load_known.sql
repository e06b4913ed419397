-- load_known: the snapshot that has these bytes, if there is one.
-- One row is: a snapshot.   Parameters: $sha256.
SELECT snapshot_id, source, rows_loaded, rows_rejected
FROM snapshots
WHERE sha256 = $sha256;
