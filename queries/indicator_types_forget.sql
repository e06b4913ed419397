-- indicator_types_forget: take back what a file's mapping stated before it states it anew.
-- No rows.   Parameters: $snapshot_id.
DELETE FROM indicator_types
WHERE snapshot_id = $snapshot_id;
