import { z } from 'zod';

/** One value of a hyperparameter, as it can be written in a file: text, a finite number, true/false, null, or a flat list. */
export type HyperparameterValue = string | number | boolean | null | readonly (string | number | boolean)[];

/**
 * A partial point: hyperparameter name (dotted inside groups, `optimizer.beta1`) → the value it must have, or a list of
 * values any of which will do. To name a value that is itself a list, put it in a list: `{ channels: [[32, 64]] }`.
 */
export type PartialPoint = Readonly<Record<string, HyperparameterValue | readonly HyperparameterValue[]>>;

/** Numbers between two bounds, both included. */
export interface Range {
  readonly from: number;
  readonly to: number;
  /** Distance between neighbours; linear only; divides `to - from`. A grid needs `step` or `count`. */
  readonly step?: number | undefined;
  /** How many values, both ends included, evenly spaced on the scale. */
  readonly count?: number | undefined;
  /** Default linear. */
  readonly scale?: 'linear' | 'log' | undefined;
  /** Whole numbers only; a grid without `step` and `count` then takes every one. Default false. */
  readonly integer?: boolean | undefined;
}

/** Where a hyperparameter's values come from. With `when` it exists only in points that match. */
export type Distribution =
  | { readonly values: readonly HyperparameterValue[]; readonly when?: PartialPoint | undefined }
  | { readonly range: Range; readonly when?: PartialPoint | undefined }
  | { readonly group: SearchSpace; readonly when?: PartialPoint | undefined };

/** All distributions of one method by hyperparameter name; a group is a hyperparameter whose value is a mapping. */
export type SearchSpace = { readonly [name: string]: Distribution };

/** What is tried for one method: the space, hyperparameters that move together, and points left out. */
export interface MethodSpace {
  readonly space: SearchSpace;
  /** Each inner list: names (dotted inside groups) whose n-th values go together. */
  readonly zip: readonly (readonly string[])[];
  readonly exclude: readonly PartialPoint[];
}

const NAME = /^[A-Za-z][A-Za-z0-9]*$/;
const DOTTED_NAME = /^[A-Za-z][A-Za-z0-9]*(\.[A-Za-z][A-Za-z0-9]*)*$/;

const Scalar = z.union([z.string(), z.number(), z.boolean(), z.null()], {
  error: 'must be text, a finite number, true, false or null',
});

export const HyperparameterValue: z.ZodType<HyperparameterValue> = z
  .union([Scalar, z.array(z.union([z.string(), z.number(), z.boolean()]))], {
    error: 'must be text, a finite number, true, false, null or a flat list of those',
  })
  .meta({ description: 'A value of a hyperparameter.' });

export const HyperparameterName = z.string().regex(NAME, 'must be letters and digits, starting with a letter');
const DottedName = z
  .string()
  .regex(DOTTED_NAME, 'must be a hyperparameter name, with a dot before members of a group (optimizer.beta1)');

export const PartialPoint: z.ZodType<PartialPoint> = z
  .record(DottedName, z.union([Scalar, z.array(HyperparameterValue).min(1)]))
  .meta({ description: 'Hyperparameter name → the value it must have, or a list of values any of which will do.' });

const when = PartialPoint.optional().meta({
  description: 'The hyperparameter exists only in points where these others have these values.',
});

const Range: z.ZodType<Range> = z
  .strictObject({
    from: z.number().meta({ description: 'Smallest value, included.' }),
    to: z.number().meta({ description: 'Largest value, included; more than from.' }),
    step: z
      .number()
      .positive()
      .optional()
      .meta({ description: 'Distance between neighbours (linear scale); divides to - from.' }),
    count: z.int().min(2).optional().meta({ description: 'How many values, both ends included.' }),
    scale: z
      .enum(['linear', 'log'])
      .optional()
      .meta({ description: 'Spacing of the values; log needs from > 0. Default linear.' }),
    integer: z.boolean().optional().meta({ description: 'Whole numbers only. Default false.' }),
  })
  .meta({ description: 'Numbers between two bounds. A grid needs step or count (or integer: true).' });

/** Described once, used by the file, the frozen sweep and the JSON Schema. */
export const SearchSpace: z.ZodType<SearchSpace> = z
  .lazy(() => z.record(HyperparameterName, Distribution))
  .meta({
    id: 'SearchSpace',
    description: 'Hyperparameter name → where its values come from. Names are those of the method card.',
  });

export const Distribution: z.ZodType<Distribution> = z
  .union(
    [
      z.strictObject({
        values: z.array(HyperparameterValue).min(1).meta({ description: 'The values, in order.' }),
        when,
      }),
      z.strictObject({ range: Range, when }),
      z.strictObject({ group: SearchSpace, when }),
    ],
    { error: 'must have exactly one of values, range or group' },
  )
  .meta({ id: 'Distribution', description: 'Exactly one of values, range or group; optionally when.' });

export const Zip = z
  .array(z.array(DottedName).min(2))
  .meta({ description: 'Lists of hyperparameters that move together: their n-th values form one choice.' });

export const Exclude = z.array(PartialPoint).meta({ description: 'Points that match any of these are left out.' });
