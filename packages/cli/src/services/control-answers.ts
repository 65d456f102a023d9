import {
  ControllerStatus,
  type ControlRequest,
  type ControlVerb,
  DatasetLook,
  GcProgress,
  Leaderboard,
  LogLine,
  RebuildProgress,
  SharedDataset,
  SweepAccepted,
  SweepRetried,
  SweepSummary,
  TrialDetail,
  TrialSummary,
  TrialWhy,
} from '@adctl/protocol';
import { z } from 'zod';

/** What each verb of the controller answers; the payloads are `ControlRequest`. */
export const ControlAnswer = {
  'sweeps.submit': SweepAccepted,
  'sweeps.list': z.array(SweepSummary),
  'sweeps.show': SweepSummary,
  'sweeps.pause': SweepSummary,
  'sweeps.resume': SweepSummary,
  'sweeps.set': SweepSummary,
  'sweeps.cancel': SweepSummary,
  'sweeps.retry': SweepRetried,
  'trials.list': z.array(TrialSummary),
  'trials.show': TrialDetail,
  'trials.why': TrialWhy,
  'trials.logs': z.array(LogLine),
  leaderboard: Leaderboard,
  'admin.gc': GcProgress,
  'admin.rebuild': RebuildProgress,
  'datasets.look': DatasetLook,
  'datasets.list': z.array(SharedDataset),
  status: ControllerStatus,
} as const satisfies Record<ControlVerb, z.ZodType>;

export type Answer<V extends ControlVerb> = z.output<(typeof ControlAnswer)[V]>;
export type Payload<V extends ControlVerb> = z.input<(typeof ControlRequest)[V]>;
