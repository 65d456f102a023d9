import type { BackbonesImportAnswer, BackbonesListAnswer, BackbonesShowAnswer } from '../answers/backbones.js';
import type { Style } from './style.js';
import { renderFacts, renderTable } from './table.js';
import { bytes, count, counted } from './values.js';

export function renderBackbones({ known, cached }: BackbonesListAnswer, style: Style): string {
  const architectures = renderTable(
    known,
    [
      { head: 'BACKBONE', value: (backbone) => backbone.architecture },
      { head: 'PARAMETERS', align: 'right', value: (backbone) => count(backbone.parameters) },
      { head: 'WEIGHTS OF', value: (backbone) => backbone.published },
    ],
    style,
  );
  if (cached.length === 0) {
    return `${architectures}\n\nNo weights in the cache; methods use random ones. Import a file: adctl backbones import FILE_OR_URI`;
  }
  const weights = renderTable(
    cached,
    [
      { head: 'IN CACHE', value: (backbone) => backbone.architecture },
      { head: 'WEIGHTS (SHA256)', value: (backbone) => backbone.sha256 },
      { head: 'SIZE', align: 'right', value: (backbone) => bytes(backbone.bytes) },
    ],
    style,
  );
  return `${architectures}\n\n${weights}`;
}

export function renderBackbone(backbone: BackbonesShowAnswer, style: Style): string {
  const { weights, normalization } = backbone;
  const facts = renderFacts(
    [
      ['backbone', `${backbone.architecture}: ${backbone.title}`],
      ['weights of', backbone.published],
      ['parameters', count(backbone.parameters)],
      ['mean', normalization.mean.join(', ')],
      ['deviation', normalization.deviation.map((value) => Number(value.toPrecision(6))).join(', ')],
      ['weights', weights?.sha256],
      ['file', weights?.path],
      ['classifier', weights === null ? undefined : weights.hasClasses ? 'yes' : 'no'],
    ],
    style,
  );
  const table = renderTable(
    backbone.features,
    [
      { head: 'FEATURE', value: ({ tap }) => tap },
      { head: 'AT 224 x 224', value: ({ shape }) => shape.join(' x ') },
    ],
    style,
  );
  return `${facts}\n\n${table}`;
}

export function renderImported(imported: BackbonesImportAnswer): string {
  const { architecture, sha256, path, used, ignored, dtypes, hasClasses, alreadyThere, notes, sharedAt } = imported;
  const place = alreadyThere ? `was already in the cache: ${path}` : `stored in ${path}`;
  const head = `${architecture}: ${counted(used, 'tensor')} (${dtypes.join(', ')})${hasClasses ? ' with its classifier' : ''}, ${counted(ignored.length, 'tensor')} ignored, ${place}`;
  const shared = sharedAt === undefined ? [] : [`Workers find them at ${sharedAt}`];
  return [head, ...notes, ...shared, `Name it in a sweep file by its digest:  weights: ${sha256}`].join('\n');
}
