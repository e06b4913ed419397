-- runs_log: every question asked of this store, shown or not, with how its rows came out; frozen plans among them.
-- One row per run.   Parameters: none.
-- question tells, as JSON, what was asked for (estimate, brief, curve, plan freeze), of which event, and how.
-- plan_id is empty without a plan.
-- Example: vpn-uptake query runs_log
SELECT
    r.run_id,
    r.asked_at,
    r.question,
    max(e.block_id) AS block_id,
    max(e.plan_id) AS plan_id,
    count(e.run_id) AS estimate_rows,
    sum(CASE WHEN e.role = 'primary' THEN 1 ELSE 0 END) AS primary_rows,
    sum(CASE WHEN e.role = 'secondary' THEN 1 ELSE 0 END) AS secondary_rows,
    sum(CASE WHEN e.verdict IN ('rise', 'fall') THEN 1 ELSE 0 END) AS changes,
    sum(CASE WHEN e.verdict = 'not_estimable' THEN 1 ELSE 0 END) AS not_estimable,
    r.data_hash,
    r.tool_version
FROM runs AS r
LEFT JOIN estimates AS e ON r.run_id = e.run_id
GROUP BY r.run_id, r.asked_at, r.question, r.data_hash, r.tool_version
ORDER BY r.asked_at, r.run_id;
