import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from './cache.js';
import { librariesUnusable } from './errors.js';

/** TensorFlow's two shared libraries and its C headers, wherever they lie. */
export interface Libraries {
  /** Absolute folder of the two files. */
  readonly directory: string;
  readonly main: string;
  readonly framework: string;
  readonly include: string;
  /** Libraries that the addon must bring along, because TensorFlow opens them by name and does not find them by itself. */
  readonly companions: readonly Companion[];
}

export interface Companion {
  /** Absolute folder of the file. */
  readonly directory: string;
  readonly name: string;
}

const FRAMEWORK = 'libtensorflow_framework.so.2';
/** Layouts in the wild: a Python wheel's `tensorflow` folder, and an unpacked libtensorflow tarball. */
const LAYOUTS = [
  { folder: '', main: 'libtensorflow_cc.so.2' },
  { folder: 'lib', main: 'libtensorflow.so.2' },
];

/**
 * Of the CUDA libraries that TensorFlow 2.21.0 opens by name, the one whose folder is missing in its framework's search path. Without
 * it no GPU is registered, with no more than a line in TensorFlow's log. Seen on an H200.
 */
const UNFOUND = { folder: '../nvidia/cusolver/lib', name: /^libcusolver\.so\.\d+$/ };

/**
 * Finds the libraries in a folder.
 *
 * @throws AdctlError `libraries_unusable` (user) when they or the headers are not there
 */
export async function locateLibraries(folder: string): Promise<Libraries> {
  for (const layout of LAYOUTS) {
    const directory = join(folder, layout.folder);
    const found = { directory, main: layout.main, framework: FRAMEWORK, include: join(folder, 'include') };
    const paths = [
      join(directory, found.main),
      join(directory, found.framework),
      join(found.include, 'tensorflow/c/eager/c_api.h'),
    ];
    if ((await Promise.all(paths.map(exists))).every(Boolean)) {
      return { ...found, companions: await findCompanions(join(directory, UNFOUND.folder)) };
    }
  }
  const layouts = LAYOUTS.map(({ folder: sub, main }) => join(sub, main)).join(' or ');
  throw librariesUnusable(
    `${folder} does not hold TensorFlow: looked for ${layouts}, with ${FRAMEWORK} beside it and include/.`,
    { folder },
  );
}

async function findCompanions(directory: string): Promise<Companion[]> {
  if (!(await exists(directory))) return [];
  return (await readdir(directory)).filter((name) => UNFOUND.name.test(name)).map((name) => ({ directory, name }));
}

/** Whether a path exists. */
export async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
