import type { FetchProgress } from '@adctl/datasets';
import { createLogUpdate } from 'log-update';
import { bytes } from '../render/values.js';

/** Shows what a fetch is doing; `close` leaves the terminal as it should be. */
export interface FetchView {
  readonly onProgress: (progress: FetchProgress) => void;
  close(): void;
}

const WORDS: Readonly<Record<FetchProgress['step'], string>> = {
  download: 'downloading',
  unpack: 'unpacking',
  verify: 'checking',
};

/** One line that is redrawn on a terminal; elsewhere one line for each step of each file. */
export function createFetchView(stream: NodeJS.WriteStream, quiet: boolean): FetchView {
  if (quiet) return { onProgress: () => undefined, close: () => undefined };
  if (!stream.isTTY) {
    let last = '';
    return {
      onProgress({ step, name }) {
        const line = `${WORDS[step]} ${name}`;
        if (line !== last) stream.write(`${line}\n`);
        last = line;
      },
      close: () => undefined,
    };
  }
  const screen = createLogUpdate(stream, { showCursor: true });
  return {
    onProgress: (progress) => screen(fetchLine(progress)),
    close() {
      screen.clear();
    },
  };
}

/** `downloading train-images.idx  12.0 MB of 47.0 MB`. */
export function fetchLine({ step, name, bytes: done, totalBytes }: FetchProgress): string {
  const size = totalBytes === undefined ? bytes(done) : `${bytes(done)} of ${bytes(totalBytes)}`;
  return `${WORDS[step]} ${name}  ${size}`;
}
