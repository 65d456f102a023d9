/** The connected anomalous regions of a set of masks. */
export interface Regions {
  /** Int32 `[images * height * width]`: 0 outside every mask, else the number of the pixel's region, from 1. */
  readonly regionOf: Int32Array;
  /** Pixels of each region; position 0 is unused. */
  readonly sizes: Int32Array;
}

/**
 * Numbers the connected regions of every mask: pixels that touch by a side or a corner (8-connectivity) are one region,
 * regions never reach from one image into the next. Numbers go by the first pixel in reading order.
 *
 * @param masks `[images, height, width]`, not 0 where anomalous; its length is a multiple of height x width.
 */
export function findRegions(masks: Uint8Array, height: number, width: number): Regions {
  const regionOf = new Int32Array(masks.length);
  // Union-find over provisional numbers; a parent is never greater than its child.
  const parents: number[] = [0];
  const rootOf = (label: number) => {
    let root = label;
    while (parents[root] !== root) root = parents[root] as number;
    for (let at = label; at !== root; ) {
      const next = parents[at] as number;
      parents[at] = root;
      at = next;
    }
    return root;
  };
  const join = (first: number, second: number) => {
    const [low, high] = [rootOf(first), rootOf(second)].sort((a, b) => a - b) as [number, number];
    parents[high] = low;
    return low;
  };
  for (let at = 0; at < masks.length; at++) {
    if (masks[at] === 0) continue;
    const column = at % width;
    const isFirstRow = at % (height * width) < width;
    const before = [
      column > 0 ? regionOf[at - 1] : 0,
      isFirstRow || column === 0 ? 0 : regionOf[at - width - 1],
      isFirstRow ? 0 : regionOf[at - width],
      isFirstRow || column === width - 1 ? 0 : regionOf[at - width + 1],
    ];
    let label = 0;
    for (const neighbour of before) {
      if (neighbour === undefined || neighbour === 0 || neighbour === label) continue;
      label = label === 0 ? neighbour : join(label, neighbour);
    }
    if (label === 0) {
      label = parents.length;
      parents.push(label);
    }
    regionOf[at] = label;
  }
  return number(regionOf, parents.length, rootOf);
}

/** Replaces provisional numbers by final ones without gaps, and counts. */
function number(regionOf: Int32Array, provisional: number, rootOf: (label: number) => number): Regions {
  const finals = new Int32Array(provisional);
  let count = 0;
  for (let label = 1; label < provisional; label++) {
    const root = rootOf(label);
    finals[label] = root === label ? ++count : (finals[root] as number);
  }
  const sizes = new Int32Array(count + 1);
  for (let at = 0; at < regionOf.length; at++) {
    const label = regionOf[at] as number;
    if (label === 0) continue;
    const final = finals[label] as number;
    regionOf[at] = final;
    sizes[final] = (sizes[final] as number) + 1;
  }
  return { regionOf, sizes };
}
