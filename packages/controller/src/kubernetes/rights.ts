/** One rule of a Role. */
export interface Right {
  readonly apiGroup: string;
  readonly resource: string;
  readonly verbs: readonly string[];
}

/** Everything the controller may do in its namespace, all of which it uses; the chart's Role says the same. */
export const CONTROLLER_RIGHTS: readonly Right[] = [
  { apiGroup: 'batch', resource: 'jobs', verbs: ['list', 'watch', 'create', 'delete', 'patch'] },
  { apiGroup: '', resource: 'pods', verbs: ['list', 'watch'] },
  { apiGroup: 'events.k8s.io', resource: 'events', verbs: ['create'] },
];
