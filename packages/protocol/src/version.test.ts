import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ControlRequest } from './control.js';
import * as protocol from './index.js';

/** Never sent or stored by themselves: a message that has a version holds them; a failed answer is a bare `Failure`. */
const PARTS: ReadonlySet<string> = new Set([
  ...[
    'BackboneUse',
    'Calibration',
    'CheckpointRule',
    'Ending',
    'EngineFacts',
    'EngineUse',
    'Failure',
    'ObjectReference',
  ],
  ...['PixelMetrics', 'SelectionMetrics', 'TestMetrics', 'TrialDataset'],
  ...[
    'IndexPart',
    'IndexRow',
    'LeaderboardClass',
    'LeaderboardGroup',
    'LeaderboardRow',
    'PublishedFigure',
    'PublishedPixelFigure',
  ],
  ...['PoolStatus', 'SeedSummary', 'WorkerPod'],
]);
/** What people write names its version as `apiVersion`, and what it is parsed to lies in a frozen file that has one. */
const FILES: ReadonlySet<string> = new Set(['SingleMethodFile', 'SeveralMethodsFile', 'Sweep', 'CheckpointChoice']);
/** Written without a version once: in records and objects, and by clients of earlier versions. */
const UNVERSIONED_BEFORE: ReadonlySet<string> = new Set([
  ...['AttemptRecord', 'DatasetLook', 'GcProgress', 'Lease', 'RebuildProgress', 'SweepAccepted', 'SweepRef'],
  ...['SweepRetried', 'TrialDetail', 'TrialWhy'],
  ...Object.keys(ControlRequest).filter((verb) => verb !== 'sweeps.submit'),
]);

/** The objects a schema may be: itself, or those of a union. */
function objectsOf(schema: unknown): z.ZodObject[] {
  if (schema instanceof z.ZodObject) return [schema];
  if (schema instanceof z.ZodDiscriminatedUnion) return schema.options.flatMap(objectsOf);
  return [];
}

const exported = Object.entries(protocol).filter(([, value]) => objectsOf(value).length > 0);
const messages = [
  ...exported.filter(([name]) => !PARTS.has(name) && !FILES.has(name)),
  ...Object.entries(ControlRequest),
].flatMap(([name, schema]) => objectsOf(schema).map((object) => [name, object] as const));

describe('every message that crosses a process boundary by itself has a version', () => {
  test.each(messages)('%s', (name, { shape }) => {
    const version: unknown = shape.version;
    if (!(version instanceof z.ZodType)) throw new Error(`${name} has none, and is no part of another message`);

    expect(version.safeParse(1).success).toBe(true);
    expect(version.safeParse(2).success).toBe(false);
    expect(version.safeParse(undefined).data).toBe(UNVERSIONED_BEFORE.has(name) ? 1 : undefined);
  });

  test('and what is called a part is one', () => {
    const names = new Set(exported.map(([name]) => name));
    expect([...PARTS, ...UNVERSIONED_BEFORE].filter((name) => !names.has(name) && !(name in ControlRequest))).toEqual(
      [],
    );
  });
});

test('a lease and a request from before they had a version are read as version 1, and written with it', () => {
  const lease = { attempt: 1, worker: 'w-1', renewedAt: '2026-01-01T00:00:00.000Z' };

  expect(protocol.Lease.parse(lease)).toEqual({ version: 1, ...lease });
  expect(ControlRequest['sweeps.list'].parse({ active: true })).toEqual({ version: 1, active: true });
});
