import { writeFile } from 'node:fs/promises';
import { userError } from '@adctl/protocol';

/** Writes a file that a person named. @throws AdctlError user `file_unwritable` */
export async function writeText(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw userError('file_unwritable', `Cannot write ${file}: ${reason}`, { hint: 'Name another file.', cause });
  }
}
