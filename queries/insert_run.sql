-- insert_run: one question asked.
-- No rows: writes one row of runs.   Parameters: $run_id, $asked_at, $question, $data_hash, $tool_version.
INSERT INTO runs VALUES ($run_id, $asked_at, $question, $data_hash, $tool_version);
