-- insert_check: one attempt to break an answer.
-- No rows: writes one row of checks.   Parameters: $run_id, $name, $outcome, $sentence, $detail.
INSERT INTO checks VALUES ($run_id, $name, $outcome, $sentence, $detail);
