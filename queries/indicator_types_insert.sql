-- indicator_types_insert: the type that a mapping states for the indicators of its file.
-- One row per indicator of the file.   Parameters: $snapshot_id, $type, $indicator (empty = a column names them).
INSERT INTO indicator_types (snapshot_id, indicator, type)
SELECT DISTINCT snapshot_id, indicator, $type
FROM observations
WHERE snapshot_id = $snapshot_id AND ($indicator = '' OR indicator = $indicator);
