-- plan_by_id: one frozen plan with the run that its freezing was.
-- At most one row.   Parameters: $plan_id.
SELECT p.plan_id, p.frozen_at, p.content, r.question, r.data_hash
FROM plans AS p
LEFT JOIN runs AS r ON r.question LIKE '%"asked": "plan freeze"%' AND r.question LIKE concat('%"plan_id": "', p.plan_id, '"%')
WHERE p.plan_id = $plan_id;
