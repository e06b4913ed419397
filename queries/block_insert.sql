-- block_insert: write events into blocks, many in one statement.
-- Writes one row per element of the lists; an id that stands there already keeps its row.
-- DuckDB only: unnest of list parameters.
-- Parameters: $block_id, $cc, $name, $onset_earliest, $onset_latest, $end_earliest, $end_latest, $start_precision,
-- $end_precision, $kind, $scope, $services, $discovery_route (lists; services joined by ';'), $snapshot_id.
INSERT INTO blocks
SELECT
    unnest(CAST($block_id AS VARCHAR [])), unnest(CAST($cc AS VARCHAR [])), unnest(CAST($name AS VARCHAR [])),
    unnest(CAST($onset_earliest AS TIMESTAMP [])), unnest(CAST($onset_latest AS TIMESTAMP [])),
    unnest(CAST($end_earliest AS TIMESTAMP [])), unnest(CAST($end_latest AS TIMESTAMP [])),
    unnest(CAST($start_precision AS VARCHAR [])), unnest(CAST($end_precision AS VARCHAR [])),
    unnest(CAST($kind AS VARCHAR [])), unnest(CAST($scope AS VARCHAR [])),
    string_split(unnest(CAST($services AS VARCHAR [])), ';'), unnest(CAST($discovery_route AS VARCHAR [])),
    $snapshot_id
ON CONFLICT DO NOTHING;
