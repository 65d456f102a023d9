import { AdctlError } from '@adctl/protocol';
import type { EventsV1Event, V1DeleteOptions, V1Job, V1OwnerReference } from '@kubernetes/client-node';
import { z } from 'zod';
import { isAlreadyExists, isConflict, isNotFound } from './kube-errors.js';
import { LABELS } from './names.js';
import { ObservedJob, ObservedPod } from './observed.js';
import type { Transport } from './transport.js';

/** The few writes the controller makes, and what it looks up; all within one namespace. */
export interface KubernetesClient {
  /** Makes a Job. Repeating it is harmless: an existing one of the same name and template is returned. */
  createJob(job: V1Job): Promise<ObservedJob>;
  /** What the server thinks of a Job without making it: its warnings. @throws AdctlError `kubernetes_refused`. */
  tryJob(job: V1Job): Promise<readonly string[]>;
  /** Deletes a Job and, in the background, its pods. One that is gone, or another of the name, is no error. */
  deleteJob(job: { readonly name: string; readonly uid: string }): Promise<void>;
  /** Merges into a Job's metadata. @returns the Job; undefined when it is gone. */
  patchJob(name: string, metadata: JobPatch): Promise<ObservedJob | undefined>;
  createEvent(event: EventsV1Event): Promise<void>;
  /** The workload that a pod of ours belongs to; undefined when nothing owns it, or it is not there. */
  findOwner(pod: string): Promise<V1OwnerReference | undefined>;
}

export interface JobPatch {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly V1OwnerReference[];
}

export const jobsPath = (namespace: string) => `/apis/batch/v1/namespaces/${namespace}/jobs`;
export const podsPath = (namespace: string) => `/api/v1/namespaces/${namespace}/pods`;
const eventsPath = (namespace: string) => `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;

const ListOf = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item) });

export function createClient(transport: Transport, namespace: string): KubernetesClient {
  const jobs = jobsPath(namespace);
  const named = async (name: string): Promise<ObservedJob | undefined> => {
    const { body } = await transport.send({
      verb: 'list',
      path: jobs,
      query: { fieldSelector: `metadata.name=${name}` },
    });
    return ListOf(ObservedJob).parse(body).items[0];
  };
  return {
    async createJob(job) {
      try {
        const query = { fieldValidation: 'Strict' };
        const { body } = await transport.send({ verb: 'create', path: jobs, query, body: job });
        return ObservedJob.parse(body);
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
        const there = await named(job.metadata?.name ?? '');
        // An earlier try got through although its answer was lost.
        if (there?.metadata.labels[LABELS.template] === job.metadata?.labels?.[LABELS.template] && there) return there;
        throw foreignJob(job.metadata?.name ?? '', error);
      }
    },
    async tryJob(job) {
      const query = { dryRun: 'All', fieldValidation: 'Strict' };
      const { warnings } = await transport.send({ verb: 'create', path: jobs, query, body: job });
      return warnings;
    },
    async deleteJob({ name, uid }) {
      const body: V1DeleteOptions = { propagationPolicy: 'Background', preconditions: { uid } };
      await unless([isNotFound, isConflict], () => transport.send({ verb: 'delete', path: `${jobs}/${name}`, body }));
    },
    async patchJob(name, metadata) {
      const answer = await unless([isNotFound], () =>
        transport.send({ verb: 'patch', path: `${jobs}/${name}`, body: { metadata } }),
      );
      return answer === undefined ? undefined : ObservedJob.parse(answer.body);
    },
    async createEvent(event) {
      const request = { verb: 'create', path: eventsPath(namespace), body: event } as const;
      await unless([isAlreadyExists], () => transport.send(request));
    },
    async findOwner(pod) {
      const { body } = await transport.send({
        verb: 'list',
        path: podsPath(namespace),
        query: { fieldSelector: `metadata.name=${pod}` },
      });
      const [own] = ListOf(ObservedPod).parse(body).items;
      const owner = own?.metadata.ownerReferences.find(({ controller }) => controller === true);
      if (owner === undefined) return undefined;
      const { apiVersion, kind, name, uid } = owner;
      // Not blocking: the owner may go before its workers have saved their checkpoints.
      return { apiVersion, kind, name, uid, blockOwnerDeletion: false };
    },
  };
}

/** @returns undefined when the write failed in a harmless way. */
async function unless<T>(
  harmless: readonly ((error: unknown) => boolean)[],
  write: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await write();
  } catch (error) {
    if (!harmless.some((is) => is(error))) throw error;
    return undefined;
  }
}

/** Thrown when somebody else made a Job of a name that only this controller gives. */
function foreignJob(name: string, cause: unknown): AdctlError {
  return new AdctlError(`a Job named ${name} exists and was not made from the same pool`, {
    code: 'foreign_job',
    kind: 'permanent',
    hint: 'Delete it, or install the controller in a namespace of its own.',
    details: { name },
    cause,
  });
}
