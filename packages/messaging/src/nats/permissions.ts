import { AdctlError, heartbeatTopic, orderTopic, POOL_SEPARATOR } from '@adctl/protocol';
import { type BucketName, STATE_BUCKETS } from '../state-store.js';
import { PRIORITIES } from '../trial-queue.js';
import { createNames, type NatsNames } from './names.js';

/** How a user shows who it is. The server's configuration holds public keys and hashes only. */
export type NatsLogin =
  /** Public user key, `U…`. */
  | { readonly nkey: string }
  /** bcrypt hash of the password (`nats server passwd`). */
  | { readonly passwordHash: string };

/** One user of the server. `name` is the `identity` it connects with; with a password also the user name. */
export type NatsUser = { readonly name: string; readonly login: NatsLogin } & (
  | { readonly role: 'controller' }
  | {
      readonly role: 'worker';
      /** Classes it may take trials of. */
      readonly classes: readonly string[];
      /**
       * Who uses the credential. Default: the one worker whose id is `name`.
       * - `pool`: the workers of the pool `name`, whose ids begin with `<name>--`.
       * - `all`: workers of every pool, under any id. Weaker: each could beat and hear orders for each.
       *
       * Inboxes are then `_INBOX_<name>.<worker>`, which those who share the credential could read of each other.
       */
      readonly sharedBy?: 'pool' | 'all';
    }
  /** A person: submits, watches, cancels. */
  | { readonly role: 'cli' }
  /** A person who may do that and run the controller's `admin` verbs. */
  | { readonly role: 'admin' }
);

/** Subjects a user may publish to and subscribe to; everything else is refused. */
export interface NatsPermissions {
  readonly publish: readonly string[];
  /** Exceptions from `publish`. */
  readonly denyPublish: readonly string[];
  readonly subscribe: readonly string[];
  /** May answer a request at the address it names. */
  readonly mayRespond: boolean;
}

/**
 * The least a role needs, as a pure function.
 * - A **controller** makes and updates the streams, fills the queue, owns the records; it can neither delete streams nor
 *   take trials, and answers requests only at the address they name.
 * - A **worker** takes trials of its classes, reads records, writes leases, and reports.
 * - A **cli** asks the controller under its own name and listens to progress and logs. No JetStream, and no `admin` verb.
 * - An **admin** is a cli that may ask for the `admin` verbs too.
 *
 * @throws AdctlError bug `bad_permission_name` for names that are not one token.
 */
export function permissionsOf(user: NatsUser, namespace?: string): NatsPermissions {
  assertToken(user.name);
  const names = createNames(namespace);
  if (user.role === 'controller') return controllerPermissions(user.name, names);
  if (user.role === 'cli' || user.role === 'admin') {
    return {
      publish: [names.api(user.name, '>')],
      denyPublish: user.role === 'cli' ? [names.api(user.name, 'admin.>')] : [],
      subscribe: [`_INBOX_${user.name}.>`, names.live('progress.>'), names.live('log.>')],
      mayRespond: false,
    };
  }
  for (const name of user.classes) assertToken(name);
  const ids = idsOf(user);
  const consumers = user.classes.flatMap((name) => PRIORITIES.map((priority) => names.consumer(name, priority)));
  return {
    publish: [
      ...consumers.flatMap((consumer) => [
        `$JS.API.CONSUMER.MSG.NEXT.${names.jobs}.${consumer}`,
        `$JS.API.CONSUMER.INFO.${names.jobs}.${consumer}`,
        `$JS.ACK.${names.jobs}.${consumer}.>`,
        // Servers in a JetStream domain put domain and account into the subject of an ack.
        `$JS.ACK.*.*.${names.jobs}.${consumer}.>`,
      ]),
      // The answer to a second result is the first one's sequence.
      ...[names.events, names.bucketStream('trial'), names.bucketStream('lease')].map(
        (stream) => `$JS.API.STREAM.MSG.GET.${stream}`,
      ),
      names.bucketSubject('lease', '>'),
      ...['result.>', 'attempt.>', 'release.>', 'metric.>'].map((filter) => names.event(filter).subject),
      ...[heartbeatTopic(ids), 'progress.>', 'log.>'].map((topic) => names.live(topic)),
    ],
    denyPublish: [],
    subscribe: [`_INBOX_${user.name}.>`, names.live(orderTopic(ids))],
    mayRespond: false,
  };
}

/** Worker ids that a credential stands for, in the words of topics. */
function idsOf({ name, sharedBy }: NatsUser & { readonly role: 'worker' }): string {
  if (sharedBy === undefined) return name;
  return sharedBy === 'pool' ? `${name}${POOL_SEPARATOR}*` : '>';
}

function controllerPermissions(name: string, names: NatsNames): NatsPermissions {
  const buckets = (Object.keys(STATE_BUCKETS) as BucketName[]).map((bucket) => names.bucketStream(bucket));
  const read = [names.events, names.metrics, ...buckets];
  return {
    publish: [
      ...[names.jobs, ...read].flatMap((stream) => [
        ...['INFO', 'CREATE', 'UPDATE', 'MSG.GET'].map((verb) => `$JS.API.STREAM.${verb}.${stream}`),
        `$JS.API.CONSUMER.CREATE.${stream}.>`,
      ]),
      `$JS.API.STREAM.MSG.DELETE.${names.jobs}`,
      `$JS.API.CONSUMER.INFO.${names.jobs}.*`,
      ...[names.events, names.metrics, names.bucketStream('lease')].map((stream) => `$JS.API.STREAM.PURGE.${stream}`),
      ...read.flatMap((stream) => [`$JS.API.CONSUMER.MSG.NEXT.${stream}.*`, `$JS.API.CONSUMER.DELETE.${stream}.*`]),
      ...(Object.keys(STATE_BUCKETS) as BucketName[]).map((bucket) => names.bucketSubject(bucket, '>')),
      names.jobFilter(),
      names.event('>').subject,
      names.live('>'),
    ],
    denyPublish: [],
    subscribe: [`_INBOX_${name}.>`, names.api('*', '>'), names.live('>'), '$SRV.>'],
    mayRespond: true,
  };
}

/**
 * The `authorization` block of a nats-server configuration for these users.
 * @throws AdctlError bug `bad_permission_name`, `bad_login` (a secret where a public key or hash belongs).
 */
export function renderAuthorization(users: readonly NatsUser[], namespace?: string): string {
  const rendered = users.map((user) => {
    const { publish, denyPublish, subscribe, mayRespond } = permissionsOf(user, namespace);
    const deny = denyPublish.length === 0 ? '' : `, deny: ${renderList(denyPublish)}`;
    return [
      '    {',
      ...renderLogin(user).map((line) => `      ${line}`),
      '      permissions: {',
      `        publish: { allow: ${renderList(publish)}${deny} }`,
      `        subscribe: { allow: ${renderList(subscribe)} }`,
      ...(mayRespond ? ['        allow_responses: { max: 1, expires: "1h" }'] : []),
      '      }',
      '    }',
    ].join('\n');
  });
  return `authorization {\n  users: [\n${rendered.join('\n')}\n  ]\n}\n`;
}

function renderLogin({ name, login }: NatsUser): string[] {
  if ('nkey' in login) {
    if (!/^U[A-Z2-7]{55}$/.test(login.nkey)) throw badLogin(name, 'a public user key (U and 55 more characters)');
    return [`nkey: ${login.nkey}`];
  }
  if (!/^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/.test(login.passwordHash)) throw badLogin(name, 'a bcrypt hash');
  return [`user: ${JSON.stringify(name)}`, `password: ${JSON.stringify(login.passwordHash)}`];
}

const renderList = (subjects: readonly string[]): string =>
  `[\n${subjects.map((subject) => `          ${JSON.stringify(subject)}`).join('\n')}\n        ]`;

function assertToken(name: string): void {
  if (/^[A-Za-z0-9_-]+$/.test(name)) return;
  throw new AdctlError(`${JSON.stringify(name)} cannot stand in a permission`, {
    code: 'bad_permission_name',
    kind: 'bug',
    hint: 'Names of users and classes are letters, digits, dashes and underscores: a wildcard would widen the permission.',
  });
}

const badLogin = (name: string, wanted: string) =>
  new AdctlError(`the login of ${name} is not ${wanted}`, {
    code: 'bad_login',
    kind: 'bug',
    hint: 'Secrets never go into the server configuration.',
  });
