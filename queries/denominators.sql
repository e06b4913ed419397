-- denominators: internet users and population of a country, every vintage.
-- One row per (indicator, entity, interval, snapshot).   Parameters: $cc.
-- An interval given by several files is several vintages; which one a rate was formed with has to be said.
-- Example: vpn-uptake query denominators -p cc=PK
SELECT
    o.indicator,
    o.entity,
    o.t_start,
    o.t_end,
    o.value,
    o.unit,
    s.source,
    s.origin,
    s.attribution,
    s.snapshot_id,
    s.retrieved_at
FROM observations AS o
INNER JOIN snapshots AS s ON o.snapshot_id = s.snapshot_id
WHERE o.cc = $cc AND o.indicator IN ('denominator.internet_users', 'denominator.population') AND o.value > 0
ORDER BY o.indicator, o.t_start, s.retrieved_at NULLS FIRST, s.snapshot_id;
