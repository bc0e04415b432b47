-- What the services did so far, as one JSON line. harness/evaluation/statements.py and sessions.py read it.
--
-- A session reports its times when a request has ended and the last report is a second old. `used_milliseconds` shows what is
-- not reported yet: it runs from the session's begin to the last time that it became idle. Run this in another database, so
-- that its own session does not count.
SELECT json_build_object(
    'statements', (
        SELECT coalesce(json_agg(json_build_object('query', query, 'calls', calls, 'milliseconds', total_exec_time)), '[]')
        FROM pg_stat_statements
        WHERE userid = 'fitmap'::regrole
    ),
    'evicted', (SELECT dealloc FROM pg_stat_statements_info),
    'sessions', (
        SELECT json_build_object(
            'opened', sessions,
            'held_milliseconds', active_time + idle_in_transaction_time,
            'reported_milliseconds', session_time,
            'used_milliseconds', (
                SELECT coalesce(sum(extract(epoch FROM state_change - backend_start)) * 1000, 0)
                FROM pg_stat_activity
                WHERE usename = 'fitmap'
            )
        )
        FROM pg_stat_database
        WHERE datname = 'fitmap'
    )
);
