import { z } from 'zod';

/**
 * What the controller reads of Jobs and pods; everything else a server sends is dropped, so that a cache of thousands
 * stays small and lists and watches, whose dates come differently, read the same.
 */
const Meta = z.object({
  name: z.string(),
  namespace: z.string().optional(),
  uid: z.string(),
  resourceVersion: z.string(),
  creationTimestamp: z.iso.datetime({ offset: true, precision: null }),
  deletionTimestamp: z.iso.datetime({ offset: true }).optional(),
  labels: z.record(z.string(), z.string()).default({}),
  annotations: z.record(z.string(), z.string()).default({}),
  ownerReferences: z
    .array(
      z.object({
        apiVersion: z.string(),
        kind: z.string(),
        name: z.string(),
        uid: z.string(),
        controller: z.boolean().optional(),
      }),
    )
    .default([]),
});

const Condition = z.object({
  type: z.string(),
  status: z.string(),
  reason: z.string().optional(),
  message: z.string().optional(),
  lastTransitionTime: z.string().nullish(),
});
export type Condition = z.infer<typeof Condition>;

export const ObservedJob = z.object({
  metadata: Meta,
  spec: z.object({ suspend: z.boolean().optional() }).default({}),
  status: z
    .object({
      startTime: z.string().optional(),
      failed: z.int().optional(),
      conditions: z.array(Condition).default([]),
    })
    .prefault({}),
});
export type ObservedJob = z.infer<typeof ObservedJob>;

const ContainerState = z.object({
  waiting: z.object({ reason: z.string().optional(), message: z.string().optional() }).optional(),
  running: z.object({ startedAt: z.string().nullish() }).optional(),
  terminated: z.object({ exitCode: z.int(), signal: z.int().optional(), reason: z.string().optional() }).optional(),
});

export const ObservedPod = z.object({
  metadata: Meta,
  spec: z.object({ nodeName: z.string().optional() }).default({}),
  status: z
    .object({
      phase: z.string().optional(),
      reason: z.string().optional(),
      message: z.string().optional(),
      conditions: z.array(Condition).default([]),
      containerStatuses: z
        .array(z.object({ name: z.string(), ready: z.boolean().default(false), state: ContainerState.default({}) }))
        .default([]),
    })
    .prefault({}),
});
export type ObservedPod = z.infer<typeof ObservedPod>;

/** The condition of the type that holds, if it does. */
export function holds({ status }: { readonly status: { readonly conditions: readonly Condition[] } }, type: string) {
  return status.conditions.find((condition) => condition.type === type && condition.status === 'True');
}
