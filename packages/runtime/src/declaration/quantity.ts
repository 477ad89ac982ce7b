// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';

/** Schema of an amount: text with a unit in the file, a whole number in the normal form. */
type Quantity = z.ZodPipe<z.ZodString, z.ZodTransform<number, string>>;

const OCTETS: Readonly<Record<string, number>> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };
const BITS: Readonly<Record<string, number>> = { 'kbit/s': 1e3, 'Mbit/s': 1e6, 'Gbit/s': 1e9 };

/** `64MiB`, `1.5GiB`: octets. Bounds as a person writes them. */
export function octets(min: string, max: string): Quantity {
  return quantity('a size', OCTETS, min, max);
}

/** `10Mbit/s`: bits a second. */
export function bitRate(min: string, max: string): Quantity {
  return quantity('a bandwidth', BITS, min, max);
}

function quantity(what: string, units: Readonly<Record<string, number>>, min: string, max: string): Quantity {
  const names = Object.keys(units);
  const pattern = `^(\\d{1,12}(?:\\.\\d{1,6})?)(${names.join('|')})$`;
  const parse = (text: string): number => {
    const [, digits, unit = ''] = new RegExp(pattern).exec(text) ?? [];
    return digits === undefined ? Number.NaN : Math.round(Number(digits) * (units[unit] ?? Number.NaN));
  };
  const [least, most] = [parse(min), parse(max)];
  const wanted = `must be ${what} with a unit (${names.join(', ')}), from ${min} to ${max}`;
  return z
    .string({ error: (issue) => (issue.input === undefined ? undefined : wanted) })
    .meta({ pattern, 'x-values': `${what.slice(2)} from ${min} to ${max}` })
    .transform((text, context) => {
      const value = parse(text);
      if (value >= least && value <= most) return value;
      context.addIssue({ code: 'custom', message: `${wanted}; got ${JSON.stringify(text)}` });
      return z.NEVER;
    });
}
