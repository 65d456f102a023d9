import type { FetchProgress } from '@adctl/datasets';
import { bytes } from '../render/values.js';
import { createStepView } from './step-view.js';

/** Shows what a fetch is doing; `close` leaves the terminal as it should be. */
export interface FetchView {
  readonly onProgress: (progress: FetchProgress) => void;
  close(): void;
}

const WORDS: Readonly<Record<FetchProgress['step'], string>> = {
  download: 'downloading',
  unpack: 'unpacking',
  verify: 'checking',
  upload: 'sharing',
};

/** One line that is redrawn on a terminal; elsewhere one line for each step of each file. */
export function createFetchView(stream: NodeJS.WriteStream, quiet: boolean): FetchView {
  const view = createStepView(stream, quiet);
  return {
    onProgress: ({ step, name, bytes: done, totalBytes }) => {
      const size = totalBytes === undefined ? bytes(done) : `${bytes(done)} of ${bytes(totalBytes)}`;
      view.show(`${WORDS[step]} ${name}`, size);
    },
    close: view.close,
  };
}
