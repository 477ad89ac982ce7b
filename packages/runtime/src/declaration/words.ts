// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';

/** Text that is not guessed from a number: YAML would turn `010` into 10 and `on` stays a puzzle. */
export const text = (max: number): z.ZodString =>
  z
    .string({ error: (issue) => (issue.input === undefined ? undefined : 'must be text: put it in quotes') })
    .max(max, `must have at most ${max} characters`);

export const count = (min: number, max: number): z.ZodNumber => {
  const wanted = `must be a whole number from ${min} to ${max}`;
  return z
    .number({ error: (issue) => (issue.input === undefined ? undefined : wanted) })
    .int(wanted)
    .min(min, wanted)
    .max(max, wanted);
};
