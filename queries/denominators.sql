-- denominators: internet users, their share and population of a country, every vintage.
-- One row per (indicator, entity, interval, snapshot).   Parameters: $cc.
-- An interval given by several files is several vintages; which one a rate was formed with has to be said.
-- scale_id says when the publisher last updated the file, where it says so.
-- Example: vpn-uptake query denominators -p cc=PK
SELECT
    o.indicator,
    o.entity,
    o.t_start,
    o.t_end,
    o.value,
    o.unit,
    o.scale_id,
    s.source,
    s.origin,
    s.attribution,
    s.snapshot_id,
    s.retrieved_at
FROM observations AS o
INNER JOIN snapshots AS s ON o.snapshot_id = s.snapshot_id
WHERE o.cc = $cc AND o.value > 0
    AND o.indicator IN ('denominator.internet_users', 'denominator.internet_share', 'denominator.population')
ORDER BY o.indicator, o.t_start, s.retrieved_at NULLS FIRST, s.snapshot_id;
