import { userError } from '@adctl/protocol';

/** What one owner may have. */
export interface OwnerPolicy {
  /** Share of the places, relative to the other owners that want some. */
  readonly weight: number;
  /** Most trials of the owner dispatched or running at once, over all classes; `Infinity` without a quota. */
  readonly slots: number;
}

export interface OwnerPolicies {
  of(owner: string): OwnerPolicy;
}

/** Stands for every owner that is not named. */
const EVERYBODY = '*';
const DEFAULT: OwnerPolicy = { weight: 1, slots: Number.POSITIVE_INFINITY };

/** Everybody alike, nobody limited. */
export const EQUAL_OWNERS: OwnerPolicies = { of: () => DEFAULT };

/**
 * Reads weights and quotas as an operator writes them: `ann=2,bob=1,*=1`.
 * @param weights above 0; default 1.
 * @param quotas whole slots, 0 or more; default none.
 * @throws AdctlError user `bad_owner_setting`.
 */
export function parseOwnerPolicies(weights: string, quotas: string): OwnerPolicies {
  const weightOf = parsePairs(weights, 'weight', (value) => value > 0);
  const slotsOf = parsePairs(quotas, 'quota', (value) => Number.isInteger(value) && value >= 0);
  return {
    of: (owner) => ({
      weight: weightOf.get(owner) ?? weightOf.get(EVERYBODY) ?? DEFAULT.weight,
      slots: slotsOf.get(owner) ?? slotsOf.get(EVERYBODY) ?? DEFAULT.slots,
    }),
  };
}

function parsePairs(text: string, what: string, isValid: (value: number) => boolean): ReadonlyMap<string, number> {
  const pairs = new Map<string, number>();
  for (const part of text.split(',').map((one) => one.trim())) {
    if (part === '') continue;
    const [owner = '', number = '', ...rest] = part.split('=').map((one) => one.trim());
    const value = number === '' ? Number.NaN : Number(number);
    if (owner === '' || rest.length > 0 || !Number.isFinite(value) || !isValid(value) || pairs.has(owner)) {
      throw badOwnerSetting(what, part);
    }
    pairs.set(owner, value);
  }
  return pairs;
}

function badOwnerSetting(what: string, part: string) {
  const range = what === 'weight' ? 'a number above 0' : 'a whole number of slots';
  return userError('bad_owner_setting', `'${part}' is no owner's ${what}`, {
    hint: `Write OWNER=NUMBER, ${range}, each owner once, separated by commas; * stands for all others.`,
    details: { what, part },
  });
}
