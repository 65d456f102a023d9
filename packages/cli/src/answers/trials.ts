import { LogLine, TrialDetail, TrialSummary, TrialWhy } from '@adctl/protocol';
import { z } from 'zod';

/** `adctl trials list` */
export const TrialsListAnswer = z.array(TrialSummary);
export type TrialsListAnswer = z.infer<typeof TrialsListAnswer>;

/** `adctl trials show` */
export const TrialsShowAnswer = TrialDetail;
export type TrialsShowAnswer = z.infer<typeof TrialsShowAnswer>;

/** `adctl trials logs` */
export const TrialsLogsAnswer = z.array(LogLine);
export type TrialsLogsAnswer = z.infer<typeof TrialsLogsAnswer>;

/** `adctl trials why` */
export const TrialsWhyAnswer = TrialWhy;
export type TrialsWhyAnswer = z.infer<typeof TrialsWhyAnswer>;
