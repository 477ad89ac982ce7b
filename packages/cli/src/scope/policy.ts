// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '@vnfpool/client';
import { POLICY_FORMATS } from '@vnfpool/wire/parameters';
import { InvalidArgumentError } from 'commander';

/** Names as people in this field say them. */
const SHORT: Readonly<Record<string, keyof typeof POLICY_FORMATS>> = {
  rr: 'round-robin',
  wrr: 'weighted-round-robin',
  rand: 'random',
  wrand: 'weighted-random',
  prio: 'priority',
  lu: 'least-used',
  lud: 'least-used-degradation',
  plu: 'priority-least-used',
  rlu: 'randomized-least-used',
};
const LOAD_MAX = 0xffffffff;
/** Values that are fractions of a whole. */
const FRACTIONS = new Set(['load', 'degradation', 'loadDistancePenalty', 'weightDistancePenalty']);

/**
 * Reads `NAME[,VALUE=NUMBER…]`: `round-robin`, `wrr,weight=3`, `least-used,load=25%`. What is not said is 0, a weight 1.
 * @throws InvalidArgumentError naming what is wrong
 */
export function parsePolicy(text: string): Policy {
  const [name = '', ...settings] = text.split(',');
  const type = SHORT[name] ?? (name in POLICY_FORMATS ? (name as keyof typeof POLICY_FORMATS) : undefined);
  if (type === undefined)
    throw new InvalidArgumentError(
      `There is no policy "${name}"; there are ${Object.keys(POLICY_FORMATS).join(', ')}.`,
    );
  const fields: readonly string[] = POLICY_FORMATS[type].fields;
  const values = Object.fromEntries(fields.map((field) => [field, field === 'weight' ? 1 : 0]));
  for (const setting of settings) {
    const [, field = '', number, percent] = /^([A-Za-z]+)=(\d+(?:\.\d+)?)(%?)$/.exec(setting) ?? [];
    if (!fields.includes(field) || number === undefined)
      throw new InvalidArgumentError(
        `"${setting}" is no value of ${type}${fields.length === 0 ? '' : `; it has ${fields.join(', ')}`}.`,
      );
    const value = FRACTIONS.has(field)
      ? Math.round((Number(number) / (percent === '%' ? 100 : 1)) * LOAD_MAX)
      : Number(number);
    if (!Number.isInteger(value) || value > LOAD_MAX)
      throw new InvalidArgumentError(
        `"${setting}": ${FRACTIONS.has(field) ? 'it is 0 to 1, or 0% to 100%' : 'it is a whole number up to 4294967295'}.`,
      );
    values[field] = value;
  }
  // The table gave exactly the fields of this type.
  return { type, ...values } as unknown as Policy;
}
