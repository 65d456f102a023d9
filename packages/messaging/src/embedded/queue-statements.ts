import type { Database } from './database.js';

export type QueueStatements = ReturnType<typeof prepareQueueStatements>;

/** Every statement of the work queue, prepared once. */
export function prepareQueueStatements(database: Database) {
  return {
    forgetIds: database.prepare('DELETE FROM message_id WHERE expires_at <= ?'),
    findId: database.prepare('SELECT sequence FROM message_id WHERE id = ?'),
    findTrial: database.prepare(
      'SELECT sequence FROM message WHERE class = ? AND priority = ? AND sweep = ? AND trial = ?',
    ),
    insert: database.prepare(
      'INSERT INTO message (class, priority, sweep, trial, message_id, assignment) VALUES (?, ?, ?, ?, ?, ?)',
    ),
    rememberId: database.prepare('INSERT INTO message_id (id, sequence, expires_at) VALUES (?, ?, ?)'),
    /** Parameters: new visible_at, class, now. The index keeps first in, first out cheap however long the window is. */
    claim: database.prepare(`
      UPDATE message SET in_flight = 1, deliveries = deliveries + 1, visible_at = ?
      WHERE sequence = (
        SELECT sequence FROM message INDEXED BY message_order
        WHERE class = ? AND visible_at <= ? ORDER BY priority, sequence LIMIT 1)
      RETURNING sequence, deliveries, assignment`),
    giveBack: database.prepare('UPDATE message SET in_flight = 0, visible_at = ? WHERE sequence = ? AND in_flight = 1'),
    restartWait: database.prepare('UPDATE message SET visible_at = ? WHERE sequence = ? AND in_flight = 1'),
    releaseAll: database.prepare('UPDATE message SET in_flight = 0, visible_at = 0 WHERE in_flight = 1'),
    remove: database.prepare('DELETE FROM message WHERE sequence = ?'),
    contents: database.prepare('SELECT * FROM message ORDER BY sequence'),
    nextExpiry: database.prepare('SELECT min(visible_at) AS at FROM message WHERE class = ?'),
  };
}
