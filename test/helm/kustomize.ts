import { isDeepStrictEqual } from 'node:util';
import { stringify } from 'yaml';
import { type Manifest, titleOf } from './strict-manifest.js';

/** The files of a kustomize overlay that follow from the chart. */
export interface OverlayFiles {
  /** Objects that the base does not have. */
  readonly added: string;
  /** Objects that differ, whole, and those that go. */
  readonly patches: string;
}

const HEADER = '# Rendered from the chart; `npm run chart` writes it anew. Change the values beside it instead.\n';

/** Objects as one file of YAML documents. */
export function toFile(manifests: readonly object[]): string {
  return (
    HEADER + manifests.map((one) => `---\n${stringify(one, { lineWidth: 0, aliasDuplicateObjects: false })}`).join('')
  );
}

/** What turns the base into what the chart renders with the overlay's values. */
export function planOverlay(base: readonly Manifest[], wanted: readonly Manifest[]): OverlayFiles {
  const before = new Map(base.map((one) => [titleOf(one), one]));
  const after = new Map(wanted.map((one) => [titleOf(one), one]));
  const changed = wanted.filter((one) => before.has(titleOf(one)) && !isDeepStrictEqual(one, before.get(titleOf(one))));
  const gone = base.filter((one) => !after.has(titleOf(one)));
  return {
    added: toFile(wanted.filter((one) => !before.has(titleOf(one)))),
    patches: toFile([
      ...changed.map(replacing),
      ...gone.map(({ apiVersion, kind, metadata: { name, namespace } }) => ({
        $patch: 'delete',
        apiVersion,
        kind,
        metadata: namespace === undefined ? { name } : { name, namespace },
      })),
    ]),
  };
}

/** A patch that replaces everything below an object's metadata, instead of merging into it. */
function replacing({ apiVersion, kind, metadata, ...parts }: Manifest): object {
  const replaced = Object.entries(parts).map(([key, value]) =>
    typeof value === 'object' && !Array.isArray(value) ? [key, { $patch: 'replace', ...value }] : [key, value],
  );
  return { apiVersion, kind, metadata, ...Object.fromEntries(replaced) };
}
