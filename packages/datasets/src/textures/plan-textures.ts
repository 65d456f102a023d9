import { badTextureOption } from '../errors.js';
import { TEXTURE_DEFECTS, TEXTURE_FAMILIES, type TextureRequest } from './draw-image.js';
import type { TextureFamily } from './family.js';

export interface TextureOptions {
  readonly seed: number;
  /** Pixels a side, 32 to 1024. */
  readonly size: number;
  /** Good training images a family, 3 or more. */
  readonly train: number;
  /** Good test images a family, 1 or more. */
  readonly test: number;
  /** Defective test images a family, 1 or more; the kinds of defect come in turn. */
  readonly defective: number;
  /** Names of families, each once; absent: all. */
  readonly families?: readonly string[];
}

/** Small methods learn a family in about a minute on a CPU core; measured in docs/datasets.md. */
export const TEXTURE_DEFAULTS = { seed: 1, size: 64, train: 120, test: 30, defective: 60 } as const;

/** A file of the set: an image, and its mask where it is defective. Paths lie below the root, with `/`. */
export interface PlannedTexture {
  readonly path: string;
  readonly maskPath?: string;
  readonly request: TextureRequest;
}

/**
 * Lists every image of a texture set in the MVTec AD layout. Pure; same options, same list.
 * @throws AdctlError user `bad_texture_option`.
 */
export function planTextures(options: TextureOptions): readonly PlannedTexture[] {
  checkOptions(options);
  return chooseFamilies(options.families).flatMap((family) => planFamily(family, options));
}

/** The families of these names, in the order people see them. @throws AdctlError user `bad_texture_option`. */
export function chooseFamilies(names: readonly string[] | undefined): readonly TextureFamily[] {
  if (names === undefined) return TEXTURE_FAMILIES;
  const known = TEXTURE_FAMILIES.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined || names.length === 0) {
    throw badTextureOption('families', unknown ?? 'empty', `some of ${known.join(', ')}`);
  }
  return TEXTURE_FAMILIES.filter(({ name }) => names.includes(name));
}

function planFamily(family: TextureFamily, { seed, size, train, test, defective }: TextureOptions): PlannedTexture[] {
  const good = (part: 'train' | 'test', count: number) =>
    Array.from({ length: count }, (_, index) => ({
      path: `${family.name}/${part}/good/${fileName(index)}.png`,
      request: { seed, family, size, part, index },
    }));
  const damaged = TEXTURE_DEFECTS.flatMap((defect, kind) => {
    const count = Math.ceil((defective - kind) / TEXTURE_DEFECTS.length);
    return Array.from({ length: Math.max(0, count) }, (_, index) => ({
      path: `${family.name}/test/${defect.name}/${fileName(index)}.png`,
      maskPath: `${family.name}/ground_truth/${defect.name}/${fileName(index)}_mask.png`,
      request: { seed, family, size, part: 'test' as const, defect, index },
    }));
  });
  return [...good('train', train), ...good('test', test), ...damaged];
}

const fileName = (index: number) => String(index).padStart(3, '0');

function checkOptions({ seed, size, train, test, defective }: TextureOptions): void {
  const ranges = [
    ['seed', seed, 0, Number.MAX_SAFE_INTEGER],
    ['size', size, 32, 1024],
    ['train', train, 3, 100_000],
    ['test', test, 1, 100_000],
    ['defective', defective, 1, 100_000],
  ] as const;
  for (const [name, value, least, most] of ranges) {
    if (Number.isInteger(value) && value >= least && value <= most) continue;
    throw badTextureOption(name, value, `a whole number from ${least} to ${most}`);
  }
}
