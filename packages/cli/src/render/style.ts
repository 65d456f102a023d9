import { styleText } from 'node:util';

/** How text is marked on one stream; every mark is the text itself where the stream shows no colours. */
export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
}

type Mark = keyof Style;

/** Marks for a stream with colours, or plain text. */
export function createStyle(colors: boolean): Style {
  const mark = (format: Mark) => (text: string) => (colors ? styleText(format, text, { validateStream: false }) : text);
  return {
    bold: mark('bold'),
    dim: mark('dim'),
    red: mark('red'),
    green: mark('green'),
    yellow: mark('yellow'),
    cyan: mark('cyan'),
  };
}

/** Text without marks, for files, pipes and tests. */
export const PLAIN: Style = createStyle(false);

/** Whether a stream shows colours: a terminal that has them, unless `NO_COLOR` or `--no-color` says otherwise. */
export function showsColors(stream: NodeJS.WriteStream, refused: boolean): boolean {
  return !refused && stream.isTTY === true && stream.hasColors();
}
