-- share_inputs: the hourly cells of a country's flows, and the hourly totals that stand beside them.
-- One row per (snapshot_id, t_start, asn, label) with part = cell, and per (snapshot_id, t_start, asn, entity) with part =
-- total.   Parameters: $cc, $start, $end.
-- A total is an observation capture.flows, capture.clients or capture.bytes of one hour; entity '' = all labels together,
-- else a family. Clients are distinct within a cell or a total: cells of one hour may hold the same client.
-- A suppressed cell keeps its row, without counts: it is never 0.
SELECT
    'cell' AS part, snapshot_id, t_start, asn, family, '' AS entity, coalesce(CAST(kind AS VARCHAR), '') AS kind,
    coalesce(CAST(confidence AS VARCHAR), '') AS confidence, flows, clients, bytes_up + bytes_down AS bytes,
    CAST(state AS VARCHAR) AS state
FROM flows
WHERE cc = $cc AND t_start >= $start AND t_start < $end
UNION ALL
SELECT
    'total', snapshot_id, t_start, asn, '', entity, '', '',
    CAST(max(CASE WHEN indicator = 'capture.flows' THEN value END) AS BIGINT),
    CAST(max(CASE WHEN indicator = 'capture.clients' THEN value END) AS BIGINT),
    CAST(max(CASE WHEN indicator = 'capture.bytes' THEN value END) AS BIGINT),
    'value'
FROM observations
WHERE cc = $cc AND t_start >= $start AND t_start < $end AND state = 'value'
    AND indicator IN ('capture.flows', 'capture.clients', 'capture.bytes')
    AND t_end = t_start + INTERVAL 1 HOUR
GROUP BY snapshot_id, t_start, asn, entity
ORDER BY 1, 2, 3, 4, 5, 6, 7, 8;
