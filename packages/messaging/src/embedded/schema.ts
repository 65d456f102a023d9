/** Marks a file as ours in SQLite's header ("adct"). */
export const APPLICATION_ID = 0x61646374;

/**
 * The layout of the embedded database, one step a version; `user_version` counts the steps a file has had. Steps that
 * were released never change.
 *
 * - `message`: the work queue's window. `visible_at` (ms) is when it may be handed out (again); `in_flight` tells a
 *   running ack wait (1) from a delay after a nak (0). `priority` is 0 for the highest.
 * - `message_id`: ids seen within the duplicate window, also of messages that are gone.
 * - `event`: the log. Sequences are never used twice.
 * - `state`: live records; `expires_at` (ms) is null without a time to live.
 * - `counter`: the last revision given out; it survives deletes.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE message (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    class TEXT NOT NULL,
    priority INTEGER NOT NULL,
    sweep TEXT NOT NULL,
    trial TEXT NOT NULL,
    message_id TEXT NOT NULL,
    assignment TEXT NOT NULL,
    deliveries INTEGER NOT NULL DEFAULT 0,
    in_flight INTEGER NOT NULL DEFAULT 0,
    visible_at INTEGER NOT NULL DEFAULT 0,
    UNIQUE (class, priority, sweep, trial)
  ) STRICT;
  CREATE INDEX message_order ON message (class, priority, sequence);
  CREATE INDEX message_expiry ON message (class, visible_at);
  CREATE TABLE message_id (
    id TEXT PRIMARY KEY,
    sequence INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX message_id_expiry ON message_id (expires_at);
  CREATE TABLE event (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    subject TEXT NOT NULL,
    data TEXT NOT NULL
  ) STRICT;
  CREATE INDEX event_subject ON event (subject);
  CREATE TABLE state (
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    revision INTEGER NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (bucket, key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE counter (revision INTEGER NOT NULL) STRICT;
  INSERT INTO counter VALUES (0);
  `,
];
