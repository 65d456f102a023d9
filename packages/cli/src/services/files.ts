import { stat } from 'node:fs/promises';

/** Whether a file is there. */
export async function fileExists(path: string): Promise<boolean> {
  return stat(path).then(
    (facts) => facts.isFile(),
    () => false,
  );
}

/** Whether a folder is there. */
export async function folderExists(path: string): Promise<boolean> {
  return stat(path).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
}
