import * as modules from 'node:module';

/**
 * What runs here of the Kubernetes client. Its index loads 1,400 generated models, and so does its configuration: they cost
 * every controller 44 MiB (measured), and only their types are used. So the parts are loaded by themselves, and where the
 * configuration asks for the index of what is generated, it gets the two things that it needs from there.
 */
const hooks = modules.registerHooks?.({
  resolve(specifier, context, next) {
    const { parentURL } = context;
    if (specifier !== './gen/index.js' || !parentURL?.endsWith('/@kubernetes/client-node/dist/config.js')) {
      return next(specifier, context);
    }
    const from = (file: string) => JSON.stringify(new URL(file, parentURL).href);
    const source = `export { createConfiguration } from ${from('gen/configuration.js')};
export { ServerConfiguration } from ${from('gen/servers.js')};`;
    return { url: `data:text/javascript,${encodeURIComponent(source)}`, format: 'module', shortCircuit: true };
  },
});
const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js');
hooks?.deregister();

export { RequestContext } from '@kubernetes/client-node/dist/gen/http/http.js';
export { V1MicroTime } from '@kubernetes/client-node/dist/types.js';
export { KubeConfig };
