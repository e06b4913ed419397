-- is_store: does this DuckDB file hold a vpn-uptake store, or nothing at all yet?
-- One row: is_store, is_empty.   Parameters: none.
SELECT
    count(*) FILTER (WHERE table_name IN ('snapshots', 'observations', 'rejections')) = 3 AS is_store,
    count(*) = 0 AS is_empty
FROM information_schema.tables;
