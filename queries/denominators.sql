-- denominators: internet users and population of a country by year, every vintage.
-- One row per (indicator, entity, year, snapshot).   Parameters: $cc.
-- A year given by several files is several vintages; which one a rate was formed with has to be said.
-- Example: vpn-uptake query denominators -p cc=PK
SELECT
    o.indicator,
    o.entity,
    extract(YEAR FROM o.t_start) AS year,
    o.t_start,
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
