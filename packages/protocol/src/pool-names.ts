import { z } from 'zod';

/** A name as Kubernetes takes it in labels. */
export const kubernetesLabel = (what: string) =>
  z.string().regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, `must be ${what}: lower-case letters, digits and dashes`);

/**
 * Between the pool and the rest in the id of a pool's worker, `gpu--1-1-x7k2p`. In topics the two are tokens of their own, so that
 * a server can keep the credential of one pool from speaking or listening for another's workers.
 */
export const POOL_SEPARATOR = '--';

/** Most characters of a pool's name: the names of its Jobs and pods must stay within 63. */
const LONGEST_POOL_NAME = 24;
const LONGEST_CLASS = 40;

/** The name of a pool of workers. */
export const PoolName = kubernetesLabel('a pool name')
  .max(LONGEST_POOL_NAME)
  .refine(
    (name) => !name.includes(POOL_SEPARATOR),
    `must not hold '${POOL_SEPARATOR}', which ends it in a worker's id`,
  );

/** Which trials the workers of a pool take. */
export const PoolClass = kubernetesLabel('a class').max(LONGEST_CLASS);
