-- is_store: does this DuckDB file hold a vpn-uptake store?
-- One row: is_store.   Parameters: none.
SELECT count(*) = 3 AS is_store
FROM information_schema.tables
WHERE table_name IN ('snapshots', 'observations', 'rejections');
