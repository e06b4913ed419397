-- plan_insert: one plan, frozen.
-- No rows: writes one row of plans.   Parameters: $plan_id, $frozen_at, $content.
INSERT INTO plans VALUES ($plan_id, $frozen_at, $content);
