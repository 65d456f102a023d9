/** One request of a probe, and what a real server (1.36.2) was measured to answer. */
export interface ProbeStep {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `{name}` stands for what an earlier step saved; `{ns}` for the namespace. */
  readonly path: string;
  readonly contentType?: string;
  readonly body?: unknown;
  readonly code: number;
  /** Of the Status answered. */
  readonly reason?: string;
  /** Text that the answer (or a header `Warning`) has somewhere. */
  readonly says?: string;
  /** Values at paths of the answer; undefined: not there. */
  readonly has?: Readonly<Record<string, unknown>>;
  /** Values to keep for later steps, by path. */
  readonly save?: Readonly<Record<string, string>>;
}

export interface Probe {
  readonly name: string;
  /** The oldest minor version that must answer so; older ones (1.20 was tried) do not. Default: any. */
  readonly since?: number;
  readonly steps: readonly ProbeStep[];
}

/** The oldest minor version adctl supports. */
const OLDEST = 31;

const JOBS = '/apis/batch/v1/namespaces/{ns}/jobs';
const PODS = '/api/v1/namespaces/{ns}/pods';
const MAPS = '/api/v1/namespaces/{ns}/configmaps';
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/{ns}/leases';
const EVENTS = '/apis/events.k8s.io/v1/namespaces/{ns}/events';
const MERGE = 'application/merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';

const container = { name: 'worker', image: 'registry.example/worker:1', command: ['true'] };
const job = (name: string, keys: object = {}, pod: object = {}) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name, labels: { app: 'probe' } },
  // Suspended: a real cluster must not begin to run them.
  spec: {
    suspend: true,
    template: { spec: { restartPolicy: 'Never', containers: [container], ...pod } },
    ...keys,
  },
});
const policy = (rules: unknown[] = [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] }]) => ({
  podFailurePolicy: { rules },
});
const map = (name: string, data: object = { a: '1' }, labels: object = {}) => ({
  ...{ apiVersion: 'v1', kind: 'ConfigMap' },
  metadata: { name, labels },
  data,
});
const gpus = (limits: object, requests: object = {}) => ({
  containers: [{ ...container, resources: { limits, requests } }],
});
const MICRO = '2026-01-01T00:00:00.000000Z';
const event = (name: string, keys: object = {}) => ({
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  metadata: { name },
  eventTime: MICRO,
  action: 'Create',
  reason: 'WorkerCreated',
  type: 'Normal',
  note: 'probe',
  reportingController: 'adctl.dev/controller',
  reportingInstance: 'probe',
  regarding: { apiVersion: 'batch/v1', kind: 'Job', name: 'probe', namespace: '{ns}' },
  ...keys,
});

/** The API server's behaviour that the controller stands on, as recorded from a real one. */
export const PROBES: readonly Probe[] = [
  {
    name: 'creating an existing name is refused',
    since: OLDEST,
    steps: [
      { method: 'POST', path: JOBS, body: job('twice'), code: 201, has: { 'metadata.generation': 1 } },
      { method: 'POST', path: JOBS, body: job('twice'), code: 409, reason: 'AlreadyExists' },
    ],
  },
  {
    name: 'a bad name is refused with its cause',
    steps: [
      {
        ...{ method: 'POST', path: JOBS, body: job('Bad_Name'), code: 422, reason: 'Invalid' },
        has: { 'details.causes.0.field': 'metadata.name' },
      },
    ],
  },
  {
    name: 'an unknown field is refused strictly, and otherwise dropped with a warning',
    since: OLDEST,
    steps: [
      {
        method: 'POST',
        path: `${JOBS}?fieldValidation=Strict`,
        body: job('typo', { parallel: 2 }),
        code: 400,
        reason: 'BadRequest',
        says: 'unknown field \\"spec.parallel\\"',
      },
      {
        method: 'POST',
        path: JOBS,
        body: job('typo', { parallel: 2 }),
        code: 201,
        says: 'unknown field',
        has: { 'spec.parallel': undefined },
      },
    ],
  },
  {
    name: 'a dry run checks and stores nothing',
    steps: [
      { method: 'POST', path: `${JOBS}?dryRun=All`, body: job('dry'), code: 201 },
      { method: 'GET', path: `${JOBS}/dry`, code: 404, reason: 'NotFound' },
    ],
  },
  {
    name: 'writing over a newer version is a conflict, without a version the last write wins',
    steps: [
      { method: 'POST', path: MAPS, body: map('race'), code: 201, save: { rv: 'metadata.resourceVersion' } },
      { method: 'PATCH', path: `${MAPS}/race`, contentType: MERGE, body: { data: { a: '2' } }, code: 200 },
      {
        method: 'PATCH',
        path: `${MAPS}/race`,
        contentType: MERGE,
        body: { metadata: { resourceVersion: '{rv}' }, data: { a: '3' } },
        code: 409,
        reason: 'Conflict',
        says: 'the object has been modified',
      },
      { method: 'PUT', path: `${MAPS}/race`, body: map('race', { a: '4' }), code: 200, has: { 'data.a': '4' } },
    ],
  },
  {
    name: 'a patch that changes nothing keeps the version',
    steps: [
      { method: 'POST', path: MAPS, body: map('still'), code: 201, save: { rv: 'metadata.resourceVersion' } },
      {
        method: 'PATCH',
        path: `${MAPS}/still`,
        contentType: MERGE,
        body: { data: { a: '1' } },
        code: 200,
        has: { 'metadata.resourceVersion': '{rv}' },
      },
    ],
  },
  {
    name: 'null in a merge patch deletes',
    steps: [
      { method: 'POST', path: MAPS, body: map('null', { a: '1', b: '2' }), code: 201 },
      {
        method: 'PATCH',
        path: `${MAPS}/null`,
        contentType: MERGE,
        body: { data: { a: null } },
        code: 200,
        has: { 'data.a': undefined, 'data.b': '2' },
      },
    ],
  },
  {
    name: 'patches have content types',
    steps: [
      { method: 'POST', path: MAPS, body: map('types'), code: 201 },
      {
        method: 'PATCH',
        path: `${MAPS}/types`,
        contentType: JSON_PATCH,
        body: [{ op: 'test', path: '/data/a', value: '9' }],
        code: 422,
      },
      { method: 'PATCH', path: `${MAPS}/types`, contentType: 'application/json', body: {}, code: 415 },
      {
        method: 'PATCH',
        path: `${MAPS}/types`,
        contentType: JSON_PATCH,
        body: { data: {} },
        code: 400,
        says: 'cannot unmarshal object',
      },
    ],
  },
  {
    name: 'the status is written apart, and the generation counts changes of the spec',
    since: OLDEST,
    steps: [
      {
        method: 'POST',
        path: JOBS,
        body: { ...job('apart'), status: { failed: 7 } },
        code: 201,
        has: { 'status.failed': undefined },
      },
      {
        method: 'PATCH',
        path: `${JOBS}/apart`,
        contentType: MERGE,
        body: { spec: { parallelism: 0 }, status: { failed: 3 } },
        code: 200,
        has: { 'metadata.generation': 2, 'status.failed': undefined },
      },
      {
        method: 'PATCH',
        path: `${JOBS}/apart/status`,
        contentType: MERGE,
        body: { spec: { parallelism: 1 }, metadata: { labels: { seen: 'yes' } } },
        code: 200,
        has: { 'metadata.generation': 2, 'spec.parallelism': 0, 'metadata.labels.seen': 'yes' },
      },
    ],
  },
  {
    name: 'parts of a Job never change',
    steps: [
      { method: 'POST', path: JOBS, body: job('fixed', { completions: 1 }), code: 201 },
      { method: 'PATCH', path: `${JOBS}/fixed`, contentType: MERGE, body: { spec: { completions: 2 } }, code: 422 },
      {
        method: 'PATCH',
        path: `${JOBS}/fixed`,
        contentType: MERGE,
        body: { spec: { template: { spec: { terminationGracePeriodSeconds: 5, hostname: 'x' } } } },
        code: 422,
        says: 'immutable',
      },
      { method: 'PATCH', path: `${JOBS}/fixed`, contentType: MERGE, body: { spec: { parallelism: 2 } }, code: 200 },
    ],
  },
  {
    name: 'a Job never restarts its pods always',
    steps: [
      {
        method: 'POST',
        path: JOBS,
        body: job('always', {}, { restartPolicy: 'Always' }),
        code: 422,
        reason: 'Invalid',
      },
    ],
  },
  {
    name: 'a failure policy goes with Never, replaces only failed pods, and completes its conditions',
    since: OLDEST,
    steps: [
      {
        method: 'POST',
        path: JOBS,
        body: job('policy', policy()),
        code: 201,
        has: {
          'spec.podReplacementPolicy': 'Failed',
          'spec.podFailurePolicy.rules.0.onPodConditions.0.status': 'True',
        },
      },
      {
        method: 'POST',
        path: JOBS,
        body: job('policy-2', { ...policy(), podReplacementPolicy: 'TerminatingOrFailed' }),
        code: 422,
      },
      { method: 'POST', path: JOBS, body: job('policy-3', policy(), { restartPolicy: 'OnFailure' }), code: 422 },
    ],
  },
  {
    name: 'GPUs are whole, limited as requested, and requested when limited',
    steps: [
      {
        method: 'POST',
        path: PODS,
        body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'gpu' }, spec: gpus({ 'nvidia.com/gpu': '1' }) },
        code: 201,
        has: { 'spec.containers.0.resources.requests.nvidia~com/gpu': '1' },
      },
      {
        method: 'POST',
        path: JOBS,
        body: job('half', {}, gpus({ 'nvidia.com/gpu': '0.5' })),
        code: 422,
        says: 'must be an integer',
      },
      {
        method: 'POST',
        path: JOBS,
        body: job('unequal', {}, gpus({ 'nvidia.com/gpu': '2' }, { 'nvidia.com/gpu': '1' })),
        code: 422,
      },
    ],
  },
  {
    name: 'labels select by equality, sets and presence',
    steps: [
      { method: 'POST', path: MAPS, body: map('l1', {}, { tier: 'a', probe: 'labels' }), code: 201 },
      { method: 'POST', path: MAPS, body: map('l2', {}, { tier: 'b', probe: 'labels' }), code: 201 },
      { method: 'POST', path: MAPS, body: map('l3', {}, { probe: 'labels' }), code: 201 },
      ...(
        [
          ['probe=labels,tier=a', ['l1']],
          ['probe=labels,tier!=a', ['l2', 'l3']],
          ['probe=labels,tier in (a,b)', ['l1', 'l2']],
          ['probe=labels,tier notin (a)', ['l2', 'l3']],
          ['probe=labels,tier', ['l1', 'l2']],
          ['probe=labels,!tier', ['l3']],
        ] as const
      ).map(
        ([selector, names]): ProbeStep => ({
          method: 'GET',
          path: `${MAPS}?labelSelector=${encodeURIComponent(selector)}`,
          code: 200,
          has: Object.fromEntries([...names, undefined].map((name, index) => [`items.${index}.metadata.name`, name])),
        }),
      ),
      { method: 'GET', path: `${MAPS}?labelSelector=${encodeURIComponent('a in (')}`, code: 400 },
    ],
  },
  {
    name: 'fields select as far as the resource allows',
    since: OLDEST,
    steps: [
      { method: 'POST', path: JOBS, body: job('by-name'), code: 201 },
      {
        method: 'GET',
        path: `${JOBS}?fieldSelector=metadata.name%3Dby-name`,
        code: 200,
        has: { 'items.0.metadata.name': 'by-name', 'items.1': undefined, 'items.0.kind': undefined },
      },
      {
        method: 'GET',
        path: `${JOBS}?fieldSelector=spec.parallelism%3D1`,
        code: 400,
        says: 'field label not supported: spec.parallelism',
      },
    ],
  },
  {
    name: 'lists come in pages',
    since: OLDEST,
    steps: [
      { method: 'POST', path: MAPS, body: map('p1', {}, { probe: 'pages' }), code: 201 },
      { method: 'POST', path: MAPS, body: map('p2', {}, { probe: 'pages' }), code: 201 },
      {
        method: 'GET',
        path: `${MAPS}?labelSelector=probe%3Dpages&limit=1`,
        code: 200,
        has: { 'items.0.metadata.name': 'p1', 'items.1': undefined },
        save: { next: 'metadata.continue' },
      },
      {
        method: 'GET',
        path: `${MAPS}?labelSelector=probe%3Dpages&limit=1&continue={next}`,
        code: 200,
        has: { 'items.0.metadata.name': 'p2', 'metadata.continue': undefined },
      },
      { method: 'GET', path: `${MAPS}?limit=1&continue=nonsense`, code: 400 },
    ],
  },
  {
    name: 'a deletion can insist on one object, and what is gone is gone',
    steps: [
      { method: 'POST', path: JOBS, body: job('once'), code: 201, save: { uid: 'metadata.uid' } },
      {
        method: 'DELETE',
        path: `${JOBS}/once`,
        body: { preconditions: { uid: '00000000-0000-0000-0000-000000000000' } },
        code: 409,
        reason: 'Conflict',
      },
      {
        method: 'DELETE',
        path: `${JOBS}/once`,
        body: { propagationPolicy: 'Background', preconditions: { uid: '{uid}' } },
        code: 200,
      },
      { method: 'DELETE', path: `${JOBS}/once`, code: 404, reason: 'NotFound' },
    ],
  },
  {
    name: 'finalizers hold an object',
    steps: [
      {
        method: 'POST',
        path: MAPS,
        body: { ...map('held'), metadata: { name: 'held', finalizers: ['adctl.dev/probe'] } },
        code: 201,
      },
      { method: 'DELETE', path: `${MAPS}/held`, code: 200 },
      { method: 'GET', path: `${MAPS}/held`, code: 200 },
      {
        method: 'PATCH',
        path: `${MAPS}/held`,
        contentType: MERGE,
        body: { metadata: { finalizers: null } },
        code: 200,
      },
      { method: 'GET', path: `${MAPS}/held`, code: 404 },
    ],
  },
  {
    name: 'a pod without a node is deleted at once',
    steps: [
      {
        method: 'POST',
        path: PODS,
        body: {
          ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'nowhere' } },
          spec: { containers: [container], schedulerName: 'nobody' },
        },
        code: 201,
      },
      { method: 'DELETE', path: `${PODS}/nowhere`, code: 200 },
      { method: 'GET', path: `${PODS}/nowhere`, code: 404 },
    ],
  },
  {
    name: 'times of leases and Events have six decimals',
    steps: [
      {
        method: 'POST',
        path: LEASES,
        body: {
          apiVersion: 'coordination.k8s.io/v1',
          kind: 'Lease',
          metadata: { name: 'l' },
          spec: { renewTime: MICRO },
        },
        code: 201,
      },
      {
        method: 'POST',
        path: LEASES,
        body: {
          ...{ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'm' } },
          spec: { renewTime: '2026-01-01T00:00:00.000Z' },
        },
        code: 400,
      },
      { method: 'POST', path: EVENTS, body: event('good'), code: 201 },
      { method: 'POST', path: EVENTS, body: event('millis', { eventTime: '2026-01-01T00:00:00.000Z' }), code: 400 },
      {
        method: 'PATCH',
        path: `${EVENTS}/good`,
        contentType: MERGE,
        body: { series: { count: 2, lastObservedTime: MICRO } },
        code: 200,
        has: { 'series.count': 2 },
      },
    ],
  },
  ...(['action', 'reportingController', 'reportingInstance', 'eventTime'] as const).map(
    (field): Probe => ({
      name: `an Event needs ${field}`,
      steps: [
        { method: 'POST', path: EVENTS, body: event(`no-${field.toLowerCase()}`, { [field]: undefined }), code: 422 },
      ],
    }),
  ),
];
