import { readFile } from 'node:fs/promises';

/**
 * How many processes the kernel has killed for memory: in this process's control group, or, where that does not count
 * them, on the whole machine. Compared before and after a child's death it tells a kill for memory from any other kill.
 *
 * @returns 0 where the kernel does not tell (other systems than Linux).
 */
export async function readOomKills(): Promise<number> {
  const group = /^0::(.*)$/m.exec(await readOrEmpty('/proc/self/cgroup'))?.[1] ?? '/';
  const sources = [`/sys/fs/cgroup${group}/memory.events`, '/sys/fs/cgroup/memory.events', '/proc/vmstat'];
  for (const source of sources) {
    const kills = /^oom_kill (\d+)$/m.exec(await readOrEmpty(source))?.[1];
    if (kills !== undefined) return Number(kills);
  }
  return 0;
}

function readOrEmpty(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
