import { createGenerator } from '@adctl/random';
import { toBytes } from './canvas.js';
import { applyDamage, type Defect } from './defect.js';
import { foreignBody } from './defects/foreign-body.js';
import { hole } from './defects/hole.js';
import { misprint } from './defects/misprint.js';
import { missingPart } from './defects/missing-part.js';
import { scratch } from './defects/scratch.js';
import { stain } from './defects/stain.js';
import { leather } from './families/leather.js';
import { mesh } from './families/mesh.js';
import { tile } from './families/tile.js';
import { weave } from './families/weave.js';
import { wood } from './families/wood.js';
import type { TextureFamily } from './family.js';

/** Every family, in the order people see them. */
export const TEXTURE_FAMILIES: readonly TextureFamily[] = [mesh, weave, tile, wood, leather];

/** Every kind of defect; test images go through them in turn. */
export const TEXTURE_DEFECTS: readonly Defect[] = [scratch, hole, stain, misprint, foreignBody, missingPart];

/** Raised whenever the same options would give other pixels. */
export const TEXTURES_VERSION = 1;

/** Which image to draw. Its pixels depend on this and nothing else, so a larger set begins with the images of a smaller one. */
export interface TextureRequest {
  readonly seed: number;
  readonly family: TextureFamily;
  /** Pixels a side. */
  readonly size: number;
  readonly part: 'train' | 'test';
  /** Absent for a good image. */
  readonly defect?: Defect;
  /** Position among the images of this family, part and defect. */
  readonly index: number;
}

export interface TextureImage {
  /** uint8 `[size, size, channels]` of the family. */
  readonly pixels: Uint8Array;
  /** uint8 `[size, size]`, 255 where the image is defective; absent for a good image. */
  readonly mask?: Uint8Array;
}

/**
 * A defect counts when it changes the pixels it covers by this much on average (levels of 0..255): a scratch on a dark ground
 * made darker, or a patch moved by whole periods, is none. Chosen by looking at sheets of all families.
 */
export const LEAST_CHANGE = 14;
/** A defect covers at least this share of the picture: 12 pixels of 64 x 64. */
export const LEAST_SHARE = 0.003;
const MOST_DRAWS = 200;

/** Draws one image; pure. */
export function drawTextureImage({ seed, family, size, part, defect, index }: TextureRequest): TextureImage {
  const labels = [TEXTURES_VERSION, size, family.name, part, defect?.name ?? 'good', index];
  const texture = family.paint(size, createGenerator(seed, 'textures', ...labels));
  const clean = toBytes(texture.canvas);
  if (defect === undefined) return { pixels: clean };
  const generator = createGenerator(seed, 'textures', ...labels, 'defect');
  for (let draw = 0; draw < MOST_DRAWS; draw++) {
    const { canvas, mask } = applyDamage(texture, defect.draw(texture, generator));
    const pixels = toBytes(canvas);
    const { share, change } = measureChange(clean, pixels, mask);
    if (share >= LEAST_SHARE && change >= LEAST_CHANGE) return { pixels, mask };
  }
  throw new Error(`no visible ${defect.name} on ${family.name} in ${MOST_DRAWS} draws`);
}

/** Share of the picture under the mask, and the mean absolute change there in levels of 0..255. */
export function measureChange(
  clean: Uint8Array,
  damaged: Uint8Array,
  mask: Uint8Array,
): { readonly share: number; readonly change: number } {
  const channels = clean.length / mask.length;
  let covered = 0;
  let sum = 0;
  for (let value = 0; value < clean.length; value++) {
    if (mask[Math.floor(value / channels)] === 0) continue;
    covered++;
    sum += Math.abs(clean[value]! - damaged[value]!);
  }
  return { share: covered / clean.length, change: covered === 0 ? 0 : sum / covered };
}
