import type { NatsUsersAnswer } from '../answers/nats-users.js';
import type { Style } from './style.js';
import { renderTable } from './table.js';

/** The users, and what to do with their files. */
export function renderNatsUsers({ users, authorizationFile, valuesFile }: NatsUsersAnswer, style: Style): string {
  const table = renderTable(
    users,
    [
      { head: 'USER', value: ({ name }) => name },
      { head: 'ROLE', value: ({ role }) => role },
      { head: 'PUBLIC KEY', value: ({ publicKey }) => publicKey },
      { head: 'SEED (SECRET)', value: ({ seedFile }) => seedFile },
    ],
    style,
  );
  const secrets = users
    .filter(({ role }) => role === 'controller' || role === 'worker')
    .map(({ name, seedFile }) => `  kubectl create secret generic adctl-nats-${name} --from-file=seed=${seedFile}`);
  return [
    table,
    '',
    `The server's part is in ${authorizationFile}; for the chart's own server: --values ${valuesFile}`,
    'Seeds of controller and workers, as the chart expects them:',
    ...secrets,
  ].join('\n');
}
