-- Statements since the last reset, as one JSON line: [{"query", "calls", "milliseconds"}].
SELECT coalesce(json_agg(json_build_object('query', query, 'calls', calls, 'milliseconds', total_exec_time)), '[]')
FROM pg_stat_statements
WHERE userid = 'fitmap'::regrole;
