-- indicator_types_insert: the type that a mapping states for every indicator of its file.
-- One row per indicator of the file.   Parameters: $snapshot_id, $type.
INSERT INTO indicator_types (snapshot_id, indicator, type)
SELECT DISTINCT snapshot_id, indicator, $type
FROM observations
WHERE snapshot_id = $snapshot_id;
