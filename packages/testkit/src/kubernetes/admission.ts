import { badRequest, type Cause, forbidden, invalid } from './failures.js';
import {
  asJob,
  asPod,
  type Container,
  type Fields,
  isRecord,
  type Job,
  type KubeObject,
  type PodSpec,
} from './objects.js';
import { strictProblems } from './strict-fields.js';

/** What the server adds to an answer without refusing. */
export interface Admitted {
  readonly object: KubeObject;
  readonly warnings: readonly string[];
}

export interface AdmissionOptions {
  readonly fieldValidation: string;
  /** The namespace enforces the restricted Pod Security level. */
  readonly restricted: boolean;
}

const NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;
const NATIVE = /^(cpu|memory|ephemeral-storage|hugepages-.+)$/;
const MICRO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

/** Checks and completes a new object as the real server does, for the kinds that workers need. */
export function admitNew(raw: Fields, kind: string, options: AdmissionOptions): Admitted {
  const { object, warnings } = decode(raw, kind, options.fieldValidation);
  checkName(object, kind);
  if (kind === 'Job') return admitJob(asJob(object), warnings, options);
  if (kind === 'Pod') return admitPod(object, warnings, options);
  if (kind === 'Event') checkEvent(object);
  if (kind === 'Lease') checkMicroTimes(object.spec ?? {}, ['acquireTime', 'renewTime']);
  return { object, warnings };
}

/** Checks a replacement. */
export function admitUpdate(before: KubeObject, raw: Fields, kind: string, options: AdmissionOptions): Admitted {
  const { object, warnings } = decode(raw, kind, options.fieldValidation);
  if (kind === 'Job') checkImmutable(asJob(before), asJob(object));
  if (kind === 'Event') checkMicroTimes(isRecord(object.series) ? object.series : {}, ['lastObservedTime']);
  if (kind === 'Lease') checkMicroTimes(object.spec ?? {}, ['acquireTime', 'renewTime']);
  return { object, warnings };
}

/** Unknown fields: refused under Strict, otherwise dropped with a warning. */
function decode(raw: Fields, kind: string, validation: string): { object: KubeObject; warnings: string[] } {
  const problems = strictProblems(raw, kind);
  const unknown = problems.filter(({ problem }) => problem === 'unknown');
  const wrong = problems.find(({ problem }) => problem === 'type');
  if (wrong !== undefined) {
    throw badRequest(
      `${kind} in version "v1" cannot be handled as a ${kind}: json: cannot unmarshal into ${wrong.path}`,
    );
  }
  const words = unknown.map(({ path }) => `unknown field "${path}"`);
  if (unknown.length > 0 && validation === 'Strict') throw badRequest(`strict decoding error: ${words.join(', ')}`);
  const clean = structuredClone(raw);
  for (const { path } of unknown) dropField(clean, path);
  return { object: asObject(clean), warnings: validation === 'Ignore' ? [] : words };
}

/** Its kind and name are checked next; the rest of the metadata is the store's. */
function asObject(fields: Fields): KubeObject {
  return { metadata: {}, ...fields } as unknown as KubeObject;
}

function dropField(object: Fields, path: string): void {
  const parts = path.replaceAll(/\[(\d+)\]/g, '.$1').split('.');
  const last = parts.pop() ?? '';
  let at: unknown = object;
  for (const part of parts) at = at instanceof Object ? Reflect.get(at, part) : undefined;
  if (at instanceof Object) Reflect.deleteProperty(at, last);
}

function checkName({ metadata: { name } }: KubeObject, kind: string): void {
  if (name === undefined || name === '') {
    throw invalid(kind, '', [
      cause('FieldValueRequired', 'metadata.name', 'Required value: name or generateName is required'),
    ]);
  }
  if (!NAME.test(name) || name.length > 253) {
    const rule = 'a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters';
    throw invalid(kind, name, [cause('FieldValueInvalid', 'metadata.name', `Invalid value: "${name}": ${rule}`)]);
  }
}

const cause = (reason: Cause['reason'], field: string, message: string): Cause => ({ reason, field, message });

function admitJob(job: Job, warnings: string[], options: AdmissionOptions): Admitted {
  const { spec } = job;
  const policy = spec.podFailurePolicy;
  const restart = spec.template?.spec?.restartPolicy ?? 'Always';
  const causes: Cause[] = [];
  if (restart === 'Always') {
    const field = 'spec.template.spec.restartPolicy';
    causes.push(
      cause('FieldValueNotSupported', field, 'Unsupported value: "Always": supported values: "OnFailure", "Never"'),
    );
  }
  if (policy !== undefined && restart === 'OnFailure') {
    const field = 'spec.template.spec.restartPolicy';
    causes.push(
      cause(
        'FieldValueInvalid',
        field,
        'Invalid value: "OnFailure": only "Never" is supported when podFailurePolicy is specified',
      ),
    );
  }
  if (policy !== undefined && spec.podReplacementPolicy === 'TerminatingOrFailed') {
    const field = 'spec.podReplacementPolicy';
    causes.push(
      cause('FieldValueNotSupported', field, 'Unsupported value: "TerminatingOrFailed": supported values: "Failed"'),
    );
  }
  causes.push(...resourceCauses(spec.template.spec, 'spec.template.spec'));
  if (causes.length > 0) throw invalid('Job', job.metadata.name, causes);
  const rules = policy?.rules.map((rule) => ({
    ...rule,
    ...(rule.onPodConditions === undefined
      ? {}
      : { onPodConditions: rule.onPodConditions.map((one) => ({ status: 'True', ...one })) }),
  }));
  const violations = options.restricted ? restrictedViolations(spec.template.spec) : [];
  const completed: Job = {
    ...job,
    spec: {
      ...{ parallelism: 1, completions: 1, backoffLimit: 6, suspend: false },
      podReplacementPolicy: policy === undefined ? 'TerminatingOrFailed' : 'Failed',
      ...spec,
      ...(rules === undefined ? {} : { podFailurePolicy: { rules } }),
      template: { ...spec.template, spec: completePod(spec.template.spec) },
    },
    status: {},
  };
  return { object: completed, warnings: violations.length === 0 ? warnings : [...warnings, securityWords(violations)] };
}

function admitPod(object: KubeObject, warnings: string[], { restricted }: AdmissionOptions): Admitted {
  const pod = asPod(object);
  const causes = resourceCauses(pod.spec, 'spec');
  if (causes.length > 0) throw invalid('Pod', pod.metadata.name, causes);
  const violations = restricted ? restrictedViolations(pod.spec) : [];
  if (violations.length > 0) throw forbidden(`pods "${pod.metadata.name}" is forbidden: ${securityWords(violations)}`);
  return { object: { ...pod, spec: completePod(pod.spec), status: { phase: 'Pending' } }, warnings };
}

/** Extended resources are whole, and requested as they are limited. */
function resourceCauses(spec: PodSpec, at: string): Cause[] {
  return spec.containers.flatMap(({ resources }, index) => {
    const requests = resources?.requests ?? {};
    return Object.entries({ ...requests, ...resources?.limits }).flatMap(([key, limit]): Cause[] => {
      if (NATIVE.test(key)) return [];
      const field = `${at}.containers[${index}].resources.limits[${key}]`;
      if (!/^\d+$/.test(limit))
        return [cause('FieldValueInvalid', field, `Invalid value: "${limit}": must be an integer`)];
      if (requests[key] === undefined || requests[key] === limit) return [];
      const requested = `${at}.containers[${index}].resources.requests`;
      return [
        cause(
          'FieldValueInvalid',
          requested,
          `Invalid value: "${requests[key]}": must be equal to ${key} limit of ${limit}`,
        ),
      ];
    });
  });
}

function completePod(spec: PodSpec): PodSpec {
  const complete = ({ resources, ...container }: Container): Container => ({
    ...container,
    ...(resources === undefined
      ? {}
      : { resources: { ...resources, requests: { ...resources.limits, ...resources.requests } } }),
  });
  return {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    ...spec,
    containers: spec.containers.map(complete),
  };
}

const ALLOWED_VOLUMES = /^(configMap|csi|downwardAPI|emptyDir|ephemeral|image|persistentVolumeClaim|projected|secret)$/;

function restrictedViolations(spec: PodSpec): string[] {
  const containers = spec.containers;
  const nonRoot = spec.securityContext?.runAsNonRoot === true;
  const volumes = (spec.volumes ?? []).flatMap((volume) => Object.keys(volume).filter((key) => key !== 'name'));
  return [
    containers.some(({ securityContext: own }) => own?.allowPrivilegeEscalation !== false) &&
      'allowPrivilegeEscalation != false',
    containers.some(({ securityContext: own }) => !own?.capabilities?.drop?.includes('ALL')) &&
      'unrestricted capabilities',
    !nonRoot && containers.some(({ securityContext: own }) => own?.runAsNonRoot !== true) && 'runAsNonRoot != true',
    spec.securityContext?.seccompProfile?.type !== 'RuntimeDefault' && 'seccompProfile',
    volumes.some((source) => !ALLOWED_VOLUMES.test(source)) && 'restricted volume types',
  ].filter((violation) => violation !== false);
}

const securityWords = (violations: readonly string[]) =>
  `violates PodSecurity "restricted:latest": ${violations.join(', ')}`;

function checkImmutable(before: Job, after: Job): void {
  const causes = (['template', 'completions', 'podFailurePolicy'] as const)
    .filter((field) => JSON.stringify(before.spec[field]) !== JSON.stringify(after.spec[field]))
    .map((field) => cause('FieldValueInvalid', `spec.${field}`, 'Invalid value: field is immutable'));
  if (causes.length > 0) throw invalid('Job', before.metadata.name, causes);
}

function checkEvent(event: KubeObject): void {
  checkMicroTimes(event, ['eventTime']);
  checkMicroTimes(isRecord(event.series) ? event.series : {}, ['lastObservedTime']);
  const missing = ['eventTime', 'action', 'reportingController', 'reportingInstance', 'reason'].filter(
    (field) => typeof event[field] !== 'string' || event[field] === '',
  );
  if (missing.length > 0) {
    throw invalid(
      'Event',
      event.metadata.name,
      missing.map((field) => cause('FieldValueRequired', field, 'Required value')),
    );
  }
}

function checkMicroTimes(fields: Fields, names: readonly string[]): void {
  for (const name of names) {
    const value = fields[name];
    if (value === undefined || value === null) continue;
    if (typeof value !== 'string' || !MICRO_TIME.test(value)) {
      throw badRequest(`parsing time "${String(value)}" as "2006-01-02T15:04:05.000000Z07:00": cannot parse`);
    }
  }
}
