import { AdctlError } from '@adctl/protocol';
import type { LayerPlan, NetworkPlan } from './network-plan.js';

/** A network that cannot be: a mistake of the code that planned it. */
export function planError(network: NetworkPlan, layer: LayerPlan, reason: string): AdctlError {
  return new AdctlError(`network '${network.name}', layer '${layer.name}' (${layer.kind}): ${reason}`, {
    code: 'network_plan_invalid',
    kind: 'bug',
    details: { network: network.name, layer: layer.name },
  });
}
