import { AdctlError, type ControllerStatus, type SharedDataset } from '@adctl/protocol';
import type { DoctorAnswer, DoctorCheck } from '../answers/doctor.js';
import { counted } from '../render/values.js';
import type { Context } from './contexts/context-file.js';

/** What `diagnoseCluster` looks at; the command hands in the real things, tests others. */
export interface ClusterSurroundings {
  readonly adctl: string;
  readonly context: Context;
  /** Connects and looks, with the context's credentials or without any. */
  readonly inspect: (
    as: 'person' | 'nobody',
  ) => Promise<{ readonly serverVersion: string; readonly jetStream: boolean }>;
  /** From here on a server needs no warning. */
  readonly isRecommended: (serverVersion: string) => boolean;
  /** Asks the controller. */
  readonly status: () => Promise<ControllerStatus>;
  /** Asks the controller which data sets lie in the object store. */
  readonly shared: () => Promise<readonly SharedDataset[]>;
  /** Whether others than its owner may read a file; undefined when it cannot be looked at. */
  readonly isExposed: (file: string) => Promise<boolean | undefined>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Leases are compared across machines: beyond this their clocks begin to matter. */
const MOST_SKEW_MS = 5_000;

/** Looks at everything between this person and a cluster's workers, without changing anything. */
export async function diagnoseCluster(surroundings: ClusterSurroundings): Promise<DoctorAnswer> {
  const { adctl } = surroundings;
  const credentials = await checkCredentials(surroundings);
  const server = await checkServer(surroundings);
  const reached = server.every(({ status }) => status !== 'fail');
  const checks = [
    credentials,
    ...server,
    ...(reached ? [await checkAnonymous(surroundings), ...(await checkController(surroundings))] : []),
  ];
  return { adctl, engine: null, checks };
}

async function checkCredentials({ context, isExposed }: ClusterSurroundings): Promise<DoctorCheck> {
  const name = 'credentials';
  const file = context.nkeySeedFile ?? context.credsFile ?? context.passwordFile;
  if (file === undefined) {
    return { name, status: 'warn', message: 'the context names none', mend: 'Give every person a key of their own.' };
  }
  const exposed = await isExposed(file);
  if (exposed === undefined) {
    return { name, status: 'fail', message: `${file} cannot be read`, mend: 'Name the right file in the context.' };
  }
  return exposed
    ? { name, status: 'warn', message: `others may read ${file}`, mend: `chmod 600 ${file}` }
    : { name, status: 'ok', message: file };
}

async function checkServer({ context, inspect, isRecommended }: ClusterSurroundings): Promise<DoctorCheck[]> {
  const at = context.servers.join(', ');
  try {
    const { serverVersion, jetStream } = await inspect('person');
    const version: DoctorCheck = isRecommended(serverVersion)
      ? { name: 'nats', status: 'ok', message: `nats-server ${serverVersion} at ${at}` }
      : {
          name: 'nats',
          status: 'warn',
          message: `nats-server ${serverVersion} at ${at} works, slower and without support from upstream`,
          mend: 'Update it to 2.10 or newer.',
        };
    const stream: DoctorCheck = jetStream
      ? { name: 'jetstream', status: 'ok', message: 'on' }
      : { name: 'jetstream', status: 'fail', message: 'off', mend: 'Switch it on, with a file store.' };
    return [version, stream];
  } catch (error) {
    return [failed('nats', error)];
  }
}

async function checkAnonymous({ inspect }: ClusterSurroundings): Promise<DoctorCheck> {
  const name = 'access';
  try {
    await inspect('nobody');
  } catch (error) {
    if (error instanceof AdctlError && error.code === 'nats_auth_refused') {
      return { name, status: 'ok', message: 'nobody gets in without credentials' };
    }
    return { name, status: 'warn', message: `could not be tried: ${error instanceof Error ? error.message : error}` };
  }
  return {
    name,
    status: 'warn',
    message: 'anybody who reaches the server may use it',
    mend: 'Give the server users with the permissions of docs/messaging.md.',
  };
}

async function checkController(surroundings: ClusterSurroundings): Promise<DoctorCheck[]> {
  const { adctl, status, now } = surroundings;
  try {
    const askedAt = now();
    const answer = await status();
    const answeredAt = now();
    const same = answer.adctl === adctl;
    const controller: DoctorCheck = {
      name: 'controller',
      status: same ? 'ok' : 'warn',
      message: `${answer.controller ?? 'a controller'} leads since ${answer.startedAt}, adctl ${answer.adctl}`,
      ...(same ? {} : { mend: `Use adctl ${answer.adctl} here too; this one is ${adctl}.` }),
    };
    return [
      controller,
      checkReplicas(surroundings, answer),
      checkObjects(answer),
      await checkDatasets(surroundings),
      checkClocks(answer, (askedAt + answeredAt) / 2),
      checkWorkers(answer),
    ];
  } catch (error) {
    return [failed('controller', error)];
  }
}

/** A cluster in small, with the caches and folders of this machine. */
function isThisMachine({ servers }: Context): boolean {
  return servers.every((server) => /^(nats|tls):\/\/(127\.|localhost|\[::1\])/.test(server));
}

function checkReplicas({ context }: ClusterSurroundings, { nats }: ControllerStatus): DoctorCheck {
  const name = 'replicas';
  const replicas = nats?.replicas ?? 1;
  if (replicas > 1 || isThisMachine(context))
    return { name, status: 'ok', message: `${counted(replicas, 'copy', 'copies')} of every stream` };
  return {
    name,
    status: 'warn',
    message: 'one copy of every stream: while its server is away nothing new starts',
    mend: 'Run three servers and set ADCTL_NATS_REPLICAS=3.',
  };
}

function checkObjects({ objects }: ControllerStatus): DoctorCheck {
  const name = 'objects';
  if (objects === undefined) return { name, status: 'warn', message: 'the controller does not say' };
  const lacking = Object.entries(objects.capabilities).flatMap(([capability, has]) => (has ? [] : [capability]));
  if (objects.mode === 'full') return { name, status: 'ok', message: `${objects.place} can do all that is needed` };
  return {
    name,
    status: 'warn',
    message: `${objects.place} in degraded mode, it lacks ${lacking.join(', ')}`,
    mend: 'Use a store with conditional writes, or one controller and no second writer (docs/storage.md).',
  };
}

async function checkDatasets({ context, shared }: ClusterSurroundings): Promise<DoctorCheck> {
  const name = 'datasets';
  try {
    const names = (await shared()).map((set) =>
      set.kind === 'files' ? set.name : `${set.name} ${set.digest.slice(0, 8)}`,
    );
    if (names.length > 0) return { name, status: 'ok', message: `shared: ${[...new Set(names)].join(', ')}` };
  } catch (error) {
    return failed(name, error);
  }
  if (isThisMachine(context)) return { name, status: 'ok', message: "none is shared; this machine's own are read" };
  return {
    name,
    status: 'warn',
    message: 'none is shared: sweeps find only what is mounted in controller and workers',
    mend: 'adctl datasets fetch mnist --share, with the variables of the object store (docs/kubernetes.md)',
  };
}

/** This machine, the controller's, and each worker's, as far as their messages tell. */
function checkClocks({ at, workers }: ControllerStatus, askedAtMs: number): DoctorCheck {
  const name = 'clocks';
  if (at === undefined) return { name, status: 'warn', message: 'the controller does not tell its time' };
  const controllerMs = Date.parse(at);
  const skews = [
    { who: 'this machine', ms: askedAtMs - controllerMs },
    ...workers.map(({ worker, at: beat, secondsSinceHeartbeat }) => ({
      who: worker,
      ms: Date.parse(beat) - (controllerMs - 1_000 * secondsSinceHeartbeat),
    })),
  ];
  const worst = skews.reduce((a, b) => (Math.abs(b.ms) > Math.abs(a.ms) ? b : a));
  const seconds = (Math.abs(worst.ms) / 1_000).toFixed(1);
  if (Math.abs(worst.ms) <= MOST_SKEW_MS) {
    return { name, status: 'ok', message: `within ${seconds} s of the controller's` };
  }
  return {
    name,
    status: 'warn',
    message: `${worst.who} is ${seconds} s ${worst.ms > 0 ? 'ahead of' : 'behind'} the controller`,
    mend: 'Let all machines keep time (NTP): leases are compared across them.',
  };
}

function checkWorkers({ workers, slots }: ControllerStatus): DoctorCheck {
  return workers.length > 0
    ? { name: 'workers', status: 'ok', message: `${counted(workers.length, 'worker')} with ${counted(slots, 'slot')}` }
    : {
        name: 'workers',
        status: 'warn',
        message: 'none now',
        mend: 'adctl trials why TRIAL says what a trial waits for.',
      };
}

function failed(name: string, error: unknown): DoctorCheck {
  const message = error instanceof Error ? error.message : String(error);
  const hint = error instanceof AdctlError ? error.hint : undefined;
  return { name, status: 'fail', message, ...(hint === undefined ? {} : { mend: hint }) };
}
