-- run_questions: the different rows that were ever asked for about some events.
-- One row per event, series, horizon, estimand, method and question.   Parameters: $block_ids (a list).
SELECT DISTINCT e.block_id, e.indicator, e.entity, e.horizon, e.estimand, e.method, r.question
FROM estimates AS e
INNER JOIN runs AS r ON e.run_id = r.run_id
WHERE list_contains($block_ids, e.block_id);
