-- Who did what, and how it ended.

CREATE TABLE audit (
  n       INTEGER PRIMARY KEY,        -- in order of time
  at      INTEGER NOT NULL,
  by      TEXT NOT NULL,              -- as they call themselves
  door    TEXT NOT NULL,              -- the way in
  address TEXT,
  kind    TEXT NOT NULL,
  target  TEXT,
  agent   TEXT,
  ending  TEXT NOT NULL,
  detail  TEXT NOT NULL,
  runs    TEXT NOT NULL               -- JSON
);

CREATE INDEX audit_agent ON audit (agent, n) WHERE agent IS NOT NULL;
