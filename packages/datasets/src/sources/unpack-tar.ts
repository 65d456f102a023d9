import { corruptDataset } from '../errors.js';

/**
 * Unpacks the plain files of a `.tar` or `.tar.gz`. Links and devices are left out, and an entry whose path is absolute or
 * climbs out of `directory` fails the whole archive.
 *
 * @param wanted tells by its path in the archive whether a file is unpacked; default: all.
 * @throws AdctlError user `corrupt_dataset` for a broken archive.
 */
export async function unpackTar(
  archive: string,
  directory: string,
  wanted: (path: string) => boolean = () => true,
): Promise<void> {
  const { extract } = await import('tar'); // only a fetch needs it
  try {
    await extract({
      file: archive,
      cwd: directory,
      strict: true, // a warning, such as a path with '..', is an error
      preservePaths: false,
      preserveOwner: false,
      filter: (path, entry) => 'type' in entry && entry.type === 'File' && wanted(path),
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw corruptDataset(archive, `cannot be unpacked: ${reason}`, {}, cause);
  }
}
