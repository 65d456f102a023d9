/** Blocks of each EfficientNet-Lite0 stage. */
const REPEATS = [1, 2, 2, 3, 3, 4, 1] as const;

/** Layers outside the blocks, and inside a block with and without an expansion. */
const OUTSIDE: Readonly<Record<string, string>> = {
  ...{ _conv_stem: 'conv_stem', _bn0: 'bn1', _conv_head: 'conv_head', _bn1: 'bn2', _fc: 'classifier' },
};
const EXPANDED: Readonly<Record<string, string>> = {
  ...{
    _expand_conv: 'conv_pw',
    _bn0: 'bn1',
    _depthwise_conv: 'conv_dw',
    _bn1: 'bn2',
    _project_conv: 'conv_pwl',
    _bn2: 'bn3',
  },
};
const FIRST: Readonly<Record<string, string>> = {
  ...{ _depthwise_conv: 'conv_dw', _bn1: 'bn1', _project_conv: 'conv_pw', _bn2: 'bn2' },
};

/**
 * timm's name for a tensor of an EfficientNet-Lite0 file with underscored names, whose blocks are numbered straight
 * through: `_blocks.3._depthwise_conv.weight` is `blocks.2.0.conv_dw.weight`. Other names stay as they are, so that
 * the shape check of the importer meets them.
 */
export function timmNameOf(name: string): string {
  const [, block, layer, rest] = /^_blocks\.(\d+)\.(\w+)(\..+)$/.exec(name) ?? [];
  if (block === undefined) {
    const [, outside, suffix] = /^(\w+)(\..+)$/.exec(name) ?? [];
    const known = outside === undefined ? undefined : OUTSIDE[outside];
    return known === undefined ? name : `${known}${suffix}`;
  }
  const place = placeOf(Number(block));
  const known = (place?.stage === 0 ? FIRST : EXPANDED)[layer!];
  return place === null || known === undefined ? name : `blocks.${place.stage}.${place.repeat}.${known}${rest}`;
}

function placeOf(block: number): { readonly stage: number; readonly repeat: number } | null {
  let first = 0;
  for (const [stage, repeats] of REPEATS.entries()) {
    if (block < first + repeats) return { stage, repeat: block - first };
    first += repeats;
  }
  return null;
}
