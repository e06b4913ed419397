-- attach_store: the store beside an in-memory database, read-only.
-- No rows.   Parameters: $path.
-- DuckDB only: ATTACH.
ATTACH $path AS stored (READ_ONLY);
