-- insert_estimate: one row of an answer, kept whether it was shown or not.
-- No rows: writes one row of estimates.   Parameters: $run_id, $block_id, $cc, $indicator, $entity, $horizon, $estimand, $observed, $expected,
--     $expected_low, $expected_high, $ratio, $ratio_low, $ratio_high, $excess, $excess_low,
--     $excess_high, $base, $exposure_hours, $minimum_detectable_ratio, $placebo_rank, $placebo_n,
--     $verdict, $attribution, $verification, $role, $plan_id, $reasons, $method, $version.
INSERT INTO estimates (
    run_id, block_id, cc, indicator, entity, horizon, estimand, observed, expected, expected_low,
    expected_high, ratio, ratio_low, ratio_high, excess, excess_low, excess_high, base, exposure_hours,
    minimum_detectable_ratio, placebo_rank, placebo_n, verdict, attribution, verification, role, plan_id,
    reasons, method, version
)
VALUES (
    $run_id, $block_id, $cc, $indicator, $entity, $horizon, $estimand, $observed, $expected, $expected_low,
    $expected_high, $ratio, $ratio_low, $ratio_high, $excess, $excess_low, $excess_high, $base,
    $exposure_hours, $minimum_detectable_ratio, $placebo_rank, $placebo_n, $verdict, $attribution,
    $verification, $role, $plan_id, $reasons, $method, $version
);
