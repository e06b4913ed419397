-- block_insert_claims: write statements about events.
-- Writes one row per element of the lists. DuckDB only: unnest of list parameters.
-- Parameters: $block_id, $who, $says, $address, $stated_at (lists), $snapshot_id.
INSERT INTO block_claims
SELECT
    unnest(CAST($block_id AS VARCHAR [])), unnest(CAST($who AS VARCHAR [])), unnest(CAST($says AS VARCHAR [])),
    unnest(CAST($address AS VARCHAR [])), unnest(CAST($stated_at AS VARCHAR [])), $snapshot_id;
