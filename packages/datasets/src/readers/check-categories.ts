import { join } from 'node:path';
import type { AdctlError } from '@adctl/protocol';
import type { CategoryCounts } from '../dataset-card.js';
import { badFolder } from '../errors.js';
import { GOOD, type MvtecListing } from './mvtec-folder.js';

/** Why categories are not those that a card expects, by name; those that are have no entry. */
export function checkCategories(
  { root, classes, train, test }: Pick<MvtecListing, 'root' | 'classes' | 'train' | 'test'>,
  card: { readonly title: string; readonly categories: Readonly<Record<string, CategoryCounts>> },
): Map<string, AdctlError> {
  const wrong = new Map<string, AdctlError>();
  for (const name of classes) {
    const tests = test.filter(({ className }) => className === name);
    const found: CategoryCounts = {
      train: train.filter(({ className }) => className === name).length,
      good: tests.filter(({ defect }) => defect === GOOD).length,
      defective: tests.filter(({ defect }) => defect !== GOOD).length,
    };
    const expected = card.categories[name];
    const refuse = (reason: string) =>
      wrong.set(name, badFolder(join(root, name), `${reason}; for other sets of this layout use the data set mvtec`));
    if (expected === undefined) refuse(`is no category of ${card.title}`);
    else if (inWords(found) !== inWords(expected)) {
      refuse(`holds ${inWords(found)}, ${card.title} has ${inWords(expected)}`);
    }
  }
  return wrong;
}

function inWords({ train, good, defective }: CategoryCounts): string {
  return `${train} training, ${good} good and ${defective} defective test images`;
}
