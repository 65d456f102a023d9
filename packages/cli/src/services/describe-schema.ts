import { z } from 'zod';

/** The part of JSON Schema that hyperparameter schemas use. */
const Property = z.object({
  type: z.string().optional(),
  description: z.string().optional(),
  default: z.unknown().optional(),
  enum: z.array(z.unknown()).optional(),
  const: z.unknown().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  exclusiveMinimum: z.number().optional(),
  exclusiveMaximum: z.number().optional(),
  items: z.unknown().optional(),
  anyOf: z.array(z.unknown()).optional(),
});
type Property = z.infer<typeof Property>;

const ObjectSchema = z.object({ properties: z.record(z.string(), Property) });

/** One key of an object schema, in words. */
export interface PropertyDescription {
  readonly name: string;
  readonly legal: string;
  readonly description: string | undefined;
  readonly default: unknown;
}

/**
 * Describes every key of an object schema.
 *
 * @param schema an object schema whose keys have defaults
 */
export function describeSchema(schema: z.ZodType): PropertyDescription[] {
  const { properties } = ObjectSchema.parse(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
  return Object.entries(properties).map(([name, property]) => ({
    name,
    legal: legalValues(property),
    description: property.description,
    default: property.default,
  }));
}

function legalValues(property: Property): string {
  if (property.enum !== undefined) return property.enum.map((value) => JSON.stringify(value)).join(' | ');
  if ('const' in property && property.const !== undefined) return JSON.stringify(property.const);
  if (property.anyOf !== undefined) return property.anyOf.map((part) => legalValues(Property.parse(part))).join(' | ');
  if (property.type === 'number' || property.type === 'integer') return `${property.type} ${bounds(property)}`.trim();
  if (property.type === 'array') return `list of ${legalValues(Property.parse(property.items ?? {}))}`;
  return property.type ?? 'anything';
}

/** `1..512`, `> 0`, `>= 0 and < 1`, or nothing. Bounds at the edge of safe integers are none. */
function bounds(property: Property): string {
  const real = (value: number | undefined) =>
    value === undefined || Math.abs(value) >= Number.MAX_SAFE_INTEGER ? undefined : value;
  const minimum = real(property.minimum);
  const maximum = real(property.maximum);
  if (minimum !== undefined && maximum !== undefined) return `${minimum}..${maximum}`;
  const parts = [
    ['>=', minimum],
    ['>', real(property.exclusiveMinimum)],
    ['<=', maximum],
    ['<', real(property.exclusiveMaximum)],
  ].flatMap(([sign, value]) => (value === undefined ? [] : [`${sign} ${value}`]));
  return parts.join(' and ');
}
