import type { FileHandle } from 'node:fs/promises';
import { type FileSystem, nodeFileSystem } from './file-system.js';

/**
 * The real file system, but one call fails. Calls are counted over everything, writes and syncs of handles included, so
 * that a test can walk the fault through every step of an operation.
 */
export function createFaultyFileSystem(failAt: number, errno: string): FileSystem & { readonly calls: () => number } {
  let calls = 0;
  const attempt = async <T>(action: () => Promise<T>): Promise<T> => {
    calls += 1;
    if (calls === failAt) throw Object.assign(new Error(`${errno}: on purpose`), { code: errno });
    return action();
  };
  const faultyHandle = (handle: FileHandle): FileHandle =>
    new Proxy(handle, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        const call = member.bind(target) as (...args: unknown[]) => Promise<unknown>;
        return name === 'writeFile' || name === 'sync' ? (...args: unknown[]) => attempt(() => call(...args)) : call;
      },
    });
  const faulty = new Proxy(nodeFileSystem, {
    get(target, name) {
      if (name === 'calls') return () => calls;
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) =>
        attempt(async () => {
          const value: unknown = await (member as (...all: unknown[]) => Promise<unknown>)(...args);
          return name === 'open' ? faultyHandle(value as FileHandle) : value;
        });
    },
  });
  return faulty as FileSystem & { readonly calls: () => number };
}
