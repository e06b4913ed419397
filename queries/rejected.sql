-- rejected: the rows that were not loaded, with where they stand and what is wrong.
-- One row per rejected line.   Parameters: none.
-- Example: vpn-uptake query rejected
SELECT s.origin, r.line, r.field, r.reason, r.text
FROM rejections AS r
INNER JOIN snapshots AS s ON r.snapshot_id = s.snapshot_id
ORDER BY s.origin, r.line;
