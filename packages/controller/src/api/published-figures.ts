import { allBut } from '@adctl/datasets';
import type { FigureLookup } from '@adctl/evaluation';
import type { MethodCard, PublishedResult } from '@adctl/methods';

/**
 * The published figure for exactly this metric, data set, protocol and class set. `mean` stands only beside a mean over
 * exactly the classes that the card lists one by one: without such a list nothing is known to match it. Figures that
 * nobody has read stand beside nothing.
 */
export function lookUpFigures(cards: readonly Pick<MethodCard, 'name' | 'published'>[]): FigureLookup {
  return ({ method, metric, dataset, protocol, classes }) => {
    const figures = (cards.find(({ name }) => name === method)?.published ?? []).filter(
      (figure) => figure.metric === metric && figure.dataset === dataset && figure.protocol === protocol,
    );
    const [only, ...others] = classes;
    const wanted = others.length === 0 ? only : coversAll(figures, classes) ? 'mean' : undefined;
    const figure = figures.find((candidate) => normalClass(candidate) === wanted && !candidate.recalled);
    if (figure === undefined) return undefined;
    const { value, source, reproduced } = figure;
    return { value, source, reproduced };
  };
}

function coversAll(figures: readonly PublishedResult[], classes: readonly string[]): boolean {
  const listed = figures.map(normalClass).filter((name) => name !== 'mean');
  return listed.length === classes.length && classes.every((name) => listed.includes(name));
}

/** What the protocol calls the normal class of a figure. */
function normalClass(figure: PublishedResult): string {
  return 'normal' in figure ? figure.normal : allBut(figure.anomalous);
}
