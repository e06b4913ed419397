-- snapshots: every file that was loaded, with what is needed to find its bytes again.
-- One row per snapshot.   Parameters: none.
-- Example: vpn-uptake query snapshots
SELECT source, origin, sha256, bytes, retrieved_at, licence, attribution, rows_loaded, rows_rejected, tool_version, note
FROM snapshots
ORDER BY source, origin, snapshot_id;
