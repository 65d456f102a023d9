import { GcProgress, RebuildProgress } from '@adctl/protocol';

/** `adctl admin rebuild`: the account once it has ended. */
export const AdminRebuildAnswer = RebuildProgress;
export type AdminRebuildAnswer = RebuildProgress;

/** `adctl admin gc`: the account once it has ended. */
export const AdminGcAnswer = GcProgress;
export type AdminGcAnswer = GcProgress;
