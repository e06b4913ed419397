-- published_insert: write publishers' figures.
-- Writes one row per element of the lists. DuckDB only: unnest of list parameters.
-- Parameters: $block_id, $publisher, $indicator, $window_start, $window_end, $value, $unit, $baseline, $address, $role,
-- $source_grade, $note (lists), $snapshot_id.
INSERT INTO published
SELECT
    unnest(CAST($block_id AS VARCHAR [])), unnest(CAST($publisher AS VARCHAR [])),
    unnest(CAST($indicator AS VARCHAR [])), unnest(CAST($window_start AS DATE [])),
    unnest(CAST($window_end AS DATE [])), unnest(CAST($value AS DOUBLE [])), unnest(CAST($unit AS VARCHAR [])),
    unnest(CAST($baseline AS VARCHAR [])), unnest(CAST($address AS VARCHAR [])), unnest(CAST($role AS VARCHAR [])),
    unnest(CAST($source_grade AS VARCHAR [])), unnest(CAST($note AS VARCHAR [])), $snapshot_id;
