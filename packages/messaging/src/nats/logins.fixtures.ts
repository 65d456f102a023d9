import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
// By the package's name: programs outside of it that Node starts without a build import this file too.
import {
  createUserKey,
  type NatsCredentials,
  type NatsUser,
  permissionsOf,
  renderAuthorization,
} from '@adctl/messaging/nats';
import { createAccount, createOperator, createUser, type KeyPair } from 'nkeys.js';

type WithoutLogin<U> = U extends unknown ? Omit<U, 'login'> : never;
/** A user whose login is yet to be made. */
export type Somebody = WithoutLogin<NatsUser>;

/** The users of one server, made for a test: what the server is told, and what each of them holds. */
export interface Logins {
  /** Lines of the server's configuration. */
  readonly config: string;
  readonly credentialsOf: (name: string) => NatsCredentials;
}

const PASSWORD = 'correct horse';
const PASSWORD_HASH = '$2b$04$s5tOsuhAhzdiuMZhOFnZqe6i8kVSNgVMYVe2wuZk6kNaXQRRFgGg2';

/** An nkey each. */
export function nkeyLogins(folder: string, users: readonly Somebody[]): Logins {
  const file = (name: string) => join(folder, `${name}.nk`);
  const withKeys = users.map((user): NatsUser => {
    const { seed, publicKey } = createUserKey();
    writeFileSync(file(user.name), `${seed}\n`, { mode: 0o600 });
    return { ...user, login: { nkey: publicKey } };
  });
  return { config: renderAuthorization(withKeys), credentialsOf: (name) => ({ nkeySeedFile: file(name) }) };
}

/** User names and passwords, in an account of their own as servers with several tenants have it. */
export function passwordLogins(folder: string, users: readonly Somebody[]): Logins {
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, `${PASSWORD}\n`, { mode: 0o600 });
  const block = renderAuthorization(
    users.map((user): NatsUser => ({ ...user, login: { passwordHash: PASSWORD_HASH } })),
  );
  return {
    config: `accounts { LAB ${block.replace('authorization {', '{ jetstream: enabled')} }\n`,
    credentialsOf: (user) => ({ user, passwordFile }),
  };
}

/**
 * Operator mode, each user with a `.creds` file of token and seed. The permissions are in a scoped signing key of the account for every
 * user: in the tokens themselves the controller's would be longer than a server takes (`max_control_line`, 4 KiB).
 */
export function credsLogins(folder: string, users: readonly Somebody[]): Logins {
  const [operator, account, system] = [createOperator(), createAccount(), createAccount()];
  const file = (name: string) => join(folder, `${name}.creds`);
  const scopes = users.map((user) => {
    const [scope, pair] = [createAccount(), createUser()];
    const token = signToken(scope, pair, { type: 'user', issuer_account: account.getPublicKey() });
    writeFileSync(file(user.name), toCredsFile(token, pair), { mode: 0o600 });
    const { publish, denyPublish, subscribe, mayRespond } = permissionsOf(user as NatsUser);
    const template = {
      pub: { allow: publish, deny: denyPublish },
      sub: { allow: subscribe },
      ...(mayRespond ? { resp: { max: 1, ttl: 3_600_000_000_000 } } : {}),
      ...{ subs: -1, data: -1, payload: -1 },
    };
    return { kind: 'user_scope', key: scope.getPublicKey(), role: user.name, template };
  });
  const limits = { conn: -1, leaf: -1, subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true };
  const jetStream = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
  const tokens = {
    [account.getPublicKey()]: { type: 'account', limits: { ...limits, ...jetStream }, signing_keys: scopes },
    [system.getPublicKey()]: { type: 'account', limits },
  };
  const preloaded = [account, system].map((pair) => {
    const key = pair.getPublicKey();
    return `${key}: ${signToken(operator, pair, tokens[key] ?? {})}`;
  });
  const config = [
    `operator: ${signToken(operator, operator, { type: 'operator', system_account: system.getPublicKey() })}`,
    `system_account: ${system.getPublicKey()}`,
    'resolver: MEMORY',
    `resolver_preload: { ${preloaded.join(', ')} }`,
  ];
  return { config: `${config.join('\n')}\n`, credentialsOf: (name) => ({ credsFile: file(name) }) };
}

function signToken(issuer: KeyPair, subject: KeyPair, claims: object): string {
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const body = {
    jti: randomUUID(),
    iat: Math.floor(Date.now() / 1000),
    iss: issuer.getPublicKey(),
    sub: subject.getPublicKey(),
    name: 'test',
    nats: { version: 2, ...claims },
  };
  const text = `${encode({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encode(body)}`;
  return `${text}.${Buffer.from(issuer.sign(Buffer.from(text))).toString('base64url')}`;
}

/** As tools write it that end it with its last rule and nothing after it. */
function toCredsFile(token: string, pair: KeyPair): string {
  const seed = new TextDecoder().decode(pair.getSeed());
  return `-----BEGIN NATS USER JWT-----
${token}
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
${seed}
------END USER NKEY SEED------
`;
}
