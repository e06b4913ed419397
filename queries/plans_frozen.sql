-- plans_frozen: every plan, oldest first, with what the store held when it was frozen.
-- One row per plan.   Parameters: none.
-- content is the plan as canonical JSON, plan_id its SHA-256; question tells, as JSON, the newest observation then known.
-- Whether a plan came before its data is computed by vpn-uptake plan list, not stored.
-- Example: vpn-uptake query plans_frozen
SELECT p.plan_id, p.frozen_at, p.content, r.question, r.data_hash
FROM plans AS p
LEFT JOIN runs AS r ON r.question LIKE '%"asked": "plan freeze"%' AND r.question LIKE concat('%"plan_id": "', p.plan_id, '"%')
ORDER BY p.frozen_at, p.plan_id;
