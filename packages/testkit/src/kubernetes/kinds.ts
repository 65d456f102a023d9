import { type ClusterOptions, type ProcessCluster, startFakeCluster } from './cluster.js';
import { minorOfAssets, whyNoJobs } from './control-plane.js';
import { startRealCluster } from './real-cluster.js';

/** A Kubernetes that tests of pods run on. */
export interface KubernetesKind {
  /** For titles of suites; says why the kind is missing where it is. */
  readonly title: string;
  /** Why it cannot be had here; undefined when it can. */
  readonly missing: string | undefined;
  /** Minor version of its control plane; 0 when it is missing. */
  readonly minor: number;
  /** Whether somebody makes the volumes of claims. */
  readonly makesVolumes: boolean;
  start(options: ClusterOptions): Promise<ProcessCluster>;
}

/**
 * Minor versions that brought what tests need. Control planes before `trackedPods` forget a pod that succeeded and is gone
 * before they looked, make another, and count evictions as failures; `suspendedJobs` is what queues hold Jobs back with;
 * `failurePolicy` ends a Job by the exit code of its pod.
 */
export const SINCE_MINOR = { suspendedJobs: 22, trackedPods: 26, failurePolicy: 26 } as const;

/** The newest that the make-believe one knows the behaviour of. */
const MAKE_BELIEVE_MINOR = 31;

/** The make-believe Kubernetes always, and a real control plane where `KUBEBUILDER_ASSETS` has its programs. */
export function kubernetesKinds(env: NodeJS.ProcessEnv): KubernetesKind[] {
  const missing = whyNoJobs(env);
  return [
    {
      title: 'a make-believe control plane',
      missing: undefined,
      minor: MAKE_BELIEVE_MINOR,
      makesVolumes: true,
      start: startFakeCluster,
    },
    {
      title: `a real control plane${missing === undefined ? '' : ` (not here: ${missing})`}`,
      missing,
      minor: missing === undefined ? minorOfAssets(env) : 0,
      makesVolumes: false,
      start: (options) => startRealCluster(env, options),
    },
  ];
}
