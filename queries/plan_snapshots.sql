-- plan_snapshots: the files that hold indicators of a country.
-- One row per snapshot.   Parameters: $cc, $indicators (a list).
SELECT DISTINCT s.sha256
FROM snapshots AS s
INNER JOIN observations AS o ON s.snapshot_id = o.snapshot_id
WHERE o.cc = $cc AND list_contains($indicators, o.indicator)
ORDER BY s.sha256;
