import { describe, expect, it } from 'vitest';
import { connectNats, prepareNats } from './connect.js';
import { describeOnServers, newNamespace, testOptions } from './deployment.fixtures.js';
import { useDeployment } from './use-deployment.fixtures.js';

await describeOnServers('both', ({ current }) => {
  const deployment = useDeployment(current);

  describe('preparing', () => {
    it('changes nothing the second time, and only what differs the third', async () => {
      const options = { ...testOptions(deployment.server, deployment.namespace), classes: ['cpu', 'gpu24'] };

      expect(await prepareNats(options)).toMatchObject({ created: [], updated: [] });
      const settings = { ...options.settings, metricsMaxBytes: 32 * 1024 ** 2 };
      expect(await prepareNats({ ...options, settings })).toMatchObject({
        created: [],
        updated: [deployment.stream('METRICS')],
      });
    });

    it('refuses more replicas than there are servers', async () => {
      const options = testOptions(deployment.server, newNamespace(), { settings: { replicas: 3 }, patienceMs: 500 });

      await expect(prepareNats({ ...options, classes: [] })).rejects.toMatchObject({ code: 'nats_api_error' });
    });

    it('tells that nothing is prepared', async () => {
      const controller = await connectNats(testOptions(deployment.server, newNamespace()));
      deployment.closeLater(controller);

      await expect(controller.state.bucket('trial').get('k')).rejects.toMatchObject({ code: 'nats_not_prepared' });
    });
  });
});
