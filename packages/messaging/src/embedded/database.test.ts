import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fromPlace } from '../errors.js';
import { Database } from './database.js';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'adctl-database-'));
  file = join(directory, 'messaging.sqlite');
});
afterEach(() => rmSync(directory, { recursive: true }));

const opening = () => new Database(file);

/** Runs statements on the file from outside. */
function outside(sql: string): void {
  const connection = new DatabaseSync(file);
  connection.exec(sql);
  connection.close();
}

describe('opening', () => {
  it('keeps what was written, with full durability', async () => {
    const first = opening();
    const insert = first.prepare('INSERT INTO event (subject, data) VALUES (?, ?)');
    await first.write(() => insert.run('a', '1'));
    expect(first.read(() => first.prepare('PRAGMA synchronous').get())).toEqual({ synchronous: 2 });
    expect(first.read(() => first.prepare('PRAGMA journal_mode').get())).toEqual({ journal_mode: 'wal' });
    first.close();

    const second = opening();
    expect(second.read(() => second.prepare('SELECT subject FROM event').all())).toEqual([{ subject: 'a' }]);
    second.close();
  });

  it('names a file that is no database', () => {
    writeFileSync(
      file,
      'this is a text file that somebody put here, long enough to hold a header of 100 bytes'.repeat(3),
    );

    expect(opening).toThrow(
      expect.objectContaining({ code: 'database_corrupt', kind: 'permanent', details: { file } }),
    );
    expect(readFileSync(file, 'utf8')).toContain('text file');
  });

  it('names a database whose pages are damaged', () => {
    opening().close();
    const bytes = readFileSync(file);
    bytes.fill(0xa5, 100, 4096);
    writeFileSync(file, bytes);

    expect(opening).toThrow(expect.objectContaining({ code: 'database_corrupt', details: { file } }));
  });

  it('refuses the database of another program and leaves it alone', () => {
    outside('CREATE TABLE photo (id INTEGER)');

    expect(opening).toThrow(expect.objectContaining({ code: 'database_foreign', kind: 'user', details: { file } }));
    expect(() => outside('SELECT * FROM photo')).not.toThrow();
  });

  it('refuses a database of a newer adctl', () => {
    opening().close();
    outside('PRAGMA user_version = 99');

    expect(opening).toThrow(
      expect.objectContaining({ code: 'database_too_new', kind: 'user', details: { file, version: 99, known: 1 } }),
    );
  });

  it('names a file that cannot be opened', () => {
    file = join(directory, 'missing-folder', 'messaging.sqlite');

    expect(opening).toThrow(expect.objectContaining({ code: 'storage_denied', kind: 'permanent', details: { file } }));
  });

  it.each([
    [8, 'storage_denied', 'permanent'],
    [1032, 'storage_denied', 'permanent'],
    [13, 'storage_full', 'transient'],
    [10, 'storage_broken', 'permanent'],
    [779, 'database_corrupt', 'permanent'],
  ])('tells SQLite’s code %i as %s', (errcode, code, kind) => {
    const error = Object.assign(new Error('from SQLite'), { errcode });

    expect(fromPlace(error, file)).toMatchObject({ code, kind, details: { file }, cause: error });
  });

  it('passes on what says nothing about the file', () => {
    const error = new TypeError('a bug of ours');

    expect(fromPlace(error, file)).toBe(error);
  });
});

describe('writing', () => {
  it('commits the writes of one turn together', async () => {
    const database = opening();
    const insert = database.prepare('INSERT INTO event (subject, data) VALUES (?, ?)');
    const seen: number[] = [];
    const count = () => Number(database.read(() => database.prepare('SELECT count(*) AS n FROM event').get())?.n);
    const writes = Array.from({ length: 10 }, (_, index) =>
      database.write(() => insert.run('a', String(index))).then(() => seen.push(count())),
    );
    expect(count()).toBe(0);
    await Promise.all(writes);

    expect(seen).toEqual(new Array(10).fill(10));
    database.close();
  });

  it('fails only the write that is at fault, and undoes what it did', async () => {
    const database = opening();
    const insert = database.prepare('INSERT INTO event (subject, data) VALUES (?, ?)');
    const good = database.write(() => insert.run('a', '1').changes);
    const bad = database.write(() => {
      insert.run('half', 'done');
      throw new Error('a condition failed');
    });
    const alsoGood = database.write(() => insert.run('b', '2').changes);

    await expect(bad).rejects.toThrow('a condition failed');
    expect(await Promise.all([good, alsoGood])).toEqual([1, 1]);
    expect(database.read(() => database.prepare('SELECT subject FROM event').all())).toEqual([
      { subject: 'a' },
      { subject: 'b' },
    ]);
    database.close();
  });

  it('says that the disk is full, keeps what was confirmed, and goes on when there is space again', async () => {
    const database = opening();
    const insert = database.prepare('INSERT INTO event (subject, data) VALUES (?, ?)');
    await database.write(() => insert.run('a', 'small'));
    const pages = Number(database.prepare('PRAGMA page_count').get()?.page_count);
    database.prepare(`PRAGMA max_page_count = ${pages}`).get();
    const large = 'x'.repeat(100_000);

    const refused = database.write(() => insert.run('b', large));
    await expect(refused).rejects.toMatchObject({ code: 'storage_full', kind: 'transient', details: { file } });
    database.prepare('PRAGMA max_page_count = 1000000').get();
    await database.write(() => insert.run('c', large));

    expect(database.read(() => database.prepare('SELECT subject FROM event').all())).toEqual([
      { subject: 'a' },
      { subject: 'c' },
    ]);
    database.close();
  });

  it('commits what is pending when it is closed, and refuses what comes later', async () => {
    const database = opening();
    const insert = database.prepare('INSERT INTO event (subject, data) VALUES (?, ?)');
    const pending = database.write(() => insert.run('a', '1').changes);
    database.close();
    database.close();

    expect(await pending).toBe(1);
    const refusal = { code: 'controller_unreachable', kind: 'transient' };
    await expect(database.write(() => insert.run('b', '2'))).rejects.toMatchObject(refusal);
    expect(() => database.read(() => 1)).toThrow(expect.objectContaining(refusal));
  });
});
