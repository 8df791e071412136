-- Counts, so that a million rows need not be counted. They are kept in the transaction of what they
-- count; here they are taken from the rows that there are.

-- `hour` counts hours since the Unix epoch; 0 stands for all of them, also those that were pruned.
-- `who` is an agent, or where a firing came from.
CREATE TABLE tallies (
  hour   INTEGER NOT NULL,
  who    TEXT NOT NULL,
  what   TEXT NOT NULL,
  detail TEXT NOT NULL,
  n      INTEGER NOT NULL,
  ms     INTEGER NOT NULL,            -- how long it took, for runs that ended
  PRIMARY KEY (hour, who, what, detail)
) WITHOUT ROWID;

INSERT INTO tallies
  SELECT max(1, queued_at / 3600000), agent, 'accepted', kind, count(*), 0
  FROM runs GROUP BY 1, 2, 4;
INSERT INTO tallies
  SELECT max(1, ended_at / 3600000), agent, 'ended', state, count(*), sum(ended_at - coalesce(started_at, ended_at))
  FROM runs WHERE ended_at IS NOT NULL GROUP BY 1, 2, 4;
INSERT INTO tallies
  SELECT max(1, at / 3600000), agent, 'retried',
         CASE moments.why ->> '$.because.why'
           WHEN 'lost' THEN 'lost' WHEN 'timed_out' THEN 'timeout' ELSE 'error' END,
         count(*), 0
  FROM moments JOIN runs ON runs.id = moments.subject
  WHERE moments.why ->> '$.why' = 'retry' GROUP BY 1, 2, 4;
INSERT INTO tallies
  SELECT max(1, at / 3600000), agent, 'lost', '', count(*), 0
  FROM (SELECT at, agent FROM moments JOIN runs ON runs.id = moments.subject
        WHERE moments.why ->> '$.why' = 'retry' AND moments.why ->> '$.because.why' = 'lost'
        UNION ALL
        SELECT ended_at, agent FROM runs
        WHERE ended_at IS NOT NULL AND why ->> '$.why' = 'lost')
  GROUP BY 1, 2;
INSERT INTO tallies
  SELECT max(1, at / 3600000), one.value ->> '$[0]', 'skipped', one.value ->> '$[1].why', count(*), 0
  FROM receipts, json_each(receipts.skipped) AS one WHERE skipped <> '[]' GROUP BY 1, 2, 4;
INSERT INTO tallies
  SELECT max(1, at / 3600000), CASE kind WHEN 'webhook' THEN source ELSE kind END, 'fired', outcome,
         count(*), 0
  FROM receipts GROUP BY 1, 2, 4;
INSERT INTO tallies
  SELECT max(1, calls.at / 3600000), caller.agent, 'called', callee.agent, count(*), 0
  FROM calls JOIN runs AS caller ON caller.id = calls.caller
       JOIN runs AS callee ON callee.id = calls.run GROUP BY 1, 2, 4;
INSERT INTO tallies
  SELECT max(1, callee.ended_at / 3600000), caller.agent, 'call_failed', callee.agent, count(*), 0
  FROM calls JOIN runs AS caller ON caller.id = calls.caller
       JOIN runs AS callee ON callee.id = calls.run
  WHERE callee.ended_at IS NOT NULL AND callee.state <> 'succeeded' GROUP BY 1, 2, 4;
INSERT INTO tallies
  SELECT 0, who, what, detail, sum(n), sum(ms) FROM tallies GROUP BY 2, 3, 4;

-- How long the newest runs of an agent took, without a look at the runs themselves.
CREATE INDEX runs_ended ON runs (agent, ended_at, started_at, queued_at)
  WHERE ended_at IS NOT NULL;

-- What followed a run that asked for another.
CREATE INDEX receipts_rerun ON receipts (source) WHERE kind = 'rerun';
