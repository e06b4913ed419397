-- share_inputs: the hourly cells of a country's flows, and the hourly and daily totals that stand beside them.
-- One row per (snapshot_id, t_start, asn, label) with part = cell, and per (snapshot_id, t_start, hours, asn, entity) with
-- part = total.   Parameters: $cc, $start, $end.
-- A total is what capture.flows, capture.clients and capture.bytes say of an entity: '' = everything, 'family=F' or
-- 'kind=K' = flows with that label and the clients that count as its users. hours is 1 or 24 (UTC days).
-- state is that of the cell, or of the clients of a total ('' where there is no such row). A suppressed count is never 0:
-- it is NULL here, whatever the row holds.
SELECT
    'cell' AS part, snapshot_id, t_start, 1 AS hours, asn, family, '' AS entity,
    coalesce(CAST(kind AS VARCHAR), '') AS kind, coalesce(CAST(confidence AS VARCHAR), '') AS confidence,
    CASE WHEN state = 'value' THEN flows END AS flows,
    CASE WHEN state = 'value' THEN clients END AS clients,
    CASE WHEN state = 'value' THEN bytes_up + bytes_down END AS bytes,
    CAST(state AS VARCHAR) AS state
FROM flows
WHERE cc = $cc AND t_start >= $start AND t_start < $end
UNION ALL
SELECT
    'total', snapshot_id, t_start, CASE WHEN t_end = t_start + INTERVAL 1 HOUR THEN 1 ELSE 24 END, asn, '', entity, '', '',
    CAST(max(CASE WHEN indicator = 'capture.flows' AND state = 'value' THEN value END) AS BIGINT),
    CAST(max(CASE WHEN indicator = 'capture.clients' AND state = 'value' THEN value END) AS BIGINT),
    CAST(max(CASE WHEN indicator = 'capture.bytes' AND state = 'value' THEN value END) AS BIGINT),
    coalesce(max(CASE WHEN indicator = 'capture.clients' THEN CAST(state AS VARCHAR) END), '')
FROM observations
WHERE cc = $cc AND t_start >= $start AND t_start < $end
    AND indicator IN ('capture.flows', 'capture.clients', 'capture.bytes')
    AND (t_end = t_start + INTERVAL 1 HOUR OR t_end = t_start + INTERVAL 24 HOUR)
GROUP BY snapshot_id, t_start, t_end, asn, entity
ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9;
