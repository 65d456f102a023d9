import { access } from 'node:fs/promises';
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
}

const FRAMEWORK = 'libtensorflow_framework.so.2';
/** Layouts in the wild: a Python wheel's `tensorflow` folder, and an unpacked libtensorflow tarball. */
const LAYOUTS = [
  { folder: '', main: 'libtensorflow_cc.so.2' },
  { folder: 'lib', main: 'libtensorflow.so.2' },
];

/**
 * Finds the libraries in a folder.
 *
 * @throws AdctlError `libraries_unusable` (user) when they or the headers are not there
 */
export async function locateLibraries(folder: string): Promise<Libraries> {
  for (const layout of LAYOUTS) {
    const directory = join(folder, layout.folder);
    const wanted = { directory, main: layout.main, framework: FRAMEWORK, include: join(folder, 'include') };
    const paths = [
      join(directory, wanted.main),
      join(directory, wanted.framework),
      join(wanted.include, 'tensorflow/c/eager/c_api.h'),
    ];
    if ((await Promise.all(paths.map(exists))).every(Boolean)) return wanted;
  }
  const layouts = LAYOUTS.map(({ folder: sub, main }) => join(sub, main)).join(' or ');
  throw librariesUnusable(
    `${folder} does not hold TensorFlow: looked for ${layouts}, with ${FRAMEWORK} beside it and include/.`,
    { folder },
  );
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
