import { badRequest, invalid, Refusal } from './failures.js';
import { type Fields, isRecord, type KubeObject, mergePatch } from './objects.js';

/** Applies a patch of the content type. Strategic merge is treated as a merge: enough for metadata and status. */
export function applyPatch(object: KubeObject, patch: unknown, contentType: string): KubeObject {
  switch (contentType) {
    case 'application/merge-patch+json':
    case 'application/strategic-merge-patch+json':
      return mergePatch(object, patch) as KubeObject;
    case 'application/json-patch+json':
      return jsonPatch(object, patch);
    default:
      throw new Refusal(
        415,
        'UnsupportedMediaType',
        `the body of the request was in an unknown format: ${contentType}`,
      );
  }
}

/** RFC 6902, as far as tests need it: add, replace, remove, test. */
function jsonPatch(object: KubeObject, patch: unknown): KubeObject {
  if (!Array.isArray(patch)) {
    throw badRequest('json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp');
  }
  const next = structuredClone(object);
  for (const step of patch) {
    if (!isRecord(step) || typeof step.path !== 'string') throw badRequest('a step of a JSON patch has no path');
    const parts = step.path.slice(1).split('/').map(unescapePart);
    const last = parts.pop() ?? '';
    const parent = parts.reduce<unknown>((at, part) => (isRecord(at) ? at[part] : undefined), next);
    if (!isRecord(parent)) throw invalid(object.kind, object.metadata.name, []);
    stepInto(parent, last, step, object);
  }
  return next;
}

function stepInto(parent: Fields, key: string, step: Fields, object: KubeObject): void {
  if (step.op === 'test') {
    if (JSON.stringify(parent[key]) === JSON.stringify(step.value)) return;
    const field = String(step.path);
    throw invalid(object.kind, object.metadata.name, [
      { reason: 'FieldValueInvalid', field, message: 'testing value failed' },
    ]);
  }
  if (step.op === 'remove') delete parent[key];
  else parent[key] = step.value;
}

const unescapePart = (part: string) => part.replaceAll('~1', '/').replaceAll('~0', '~');
