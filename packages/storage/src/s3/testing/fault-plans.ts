import type { Fault, FaultPlan } from './fake-s3.js';
import type { Operation } from './s3-request.js';

/** Refuses a share of all requests with 503 SlowDown. @param random uniform in [0, 1). */
export function slowDown(share: number, random: () => number): FaultPlan {
  return () => (random() < share ? { kind: 'refuse', code: 'SlowDown' } : null);
}

/** Spoils the n-th request (from 1) of an operation, and no other. */
export function spoil(operation: Operation, fault: Fault, nth = 1): FaultPlan {
  let seen = 0;
  return (request) => {
    if (request.operation !== operation) return null;
    seen += 1;
    return seen === nth ? fault : null;
  };
}

/** Asks each plan in turn; the first fault counts. */
export function combine(...plans: readonly FaultPlan[]): FaultPlan {
  return (request) => {
    for (const plan of plans) {
      const fault = plan(request);
      if (fault !== null) return fault;
    }
    return null;
  };
}
