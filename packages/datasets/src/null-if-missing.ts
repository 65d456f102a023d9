/** For `.catch`: what is not there is null; every other error is thrown on. */
export function nullIfMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}
