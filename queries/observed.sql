-- observed: the values of one indicator of a country as they were loaded, every vintage of them.
-- One row per observation.   Parameters: $cc, $indicator.
-- Providers of captures are left out: what is printed goes down to families.
-- Example: vpn-uptake query observed -p cc=PK -p indicator=tor.bridge_users
SELECT o.t_start, o.t_end, o.entity, o.value, o.low, o.high, o.unit, o.state, o.quality, o.n, s.retrieved_at, s.sha256
FROM observations AS o
INNER JOIN snapshots AS s ON o.snapshot_id = s.snapshot_id
WHERE o.cc = $cc AND o.indicator = $indicator AND o.entity NOT LIKE 'provider=%'
ORDER BY o.t_start, o.entity, s.retrieved_at;
