import { existsSync, readFileSync } from 'node:fs';
import { userError } from '@adctl/protocol';
import type { KubeConfig as Config } from '@kubernetes/client-node';
import { KubeConfig } from './client-parts.js';

export interface ConnectionOptions {
  /** A kubeconfig file; its current context is used. Undefined: the pod's service account. */
  readonly kubeconfig?: string | undefined;
  /** Default: the context's or the service account's. */
  readonly namespace?: string | undefined;
  /** Folder before the service account's files, for tests. */
  readonly serviceAccountRoot?: string | undefined;
}

export interface KubernetesPlace {
  readonly config: Config;
  readonly namespace: string;
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Finds the API server and the credentials. Nothing is asked yet.
 * @throws AdctlError user `kubernetes_not_configured` when there is neither a kubeconfig nor a service account.
 */
export function findKubernetes(options: ConnectionOptions): KubernetesPlace {
  const config = new KubeConfig();
  const { kubeconfig, serviceAccountRoot = '' } = options;
  if (kubeconfig === undefined) {
    if (!existsSync(`${serviceAccountRoot}${SERVICE_ACCOUNT}/token`)) {
      throw notConfigured('this process has no service account, so it runs in no pod, or without a token');
    }
    config.loadFromCluster(serviceAccountRoot);
  } else {
    try {
      readFileSync(kubeconfig);
      config.loadFromFile(kubeconfig);
    } catch (error) {
      throw notConfigured(`the kubeconfig ${kubeconfig} cannot be read`, error);
    }
    if (config.getCurrentCluster() === null) throw notConfigured(`the kubeconfig ${kubeconfig} has no current context`);
  }
  const context = config.getContextObject(config.getCurrentContext());
  return { config, namespace: options.namespace ?? context?.namespace ?? 'default' };
}

/** Thrown when it cannot be known which API server to talk to. */
function notConfigured(message: string, cause?: unknown) {
  return userError('kubernetes_not_configured', message, {
    hint: 'Pools need Kubernetes: run the controller in a pod with a service account, or set ADCTL_KUBECONFIG.',
    cause,
  });
}
