// SPDX-License-Identifier: Apache-2.0
import { storeAddressFault } from '@vnfpool/store/objects';
import { z } from 'zod';
import { text } from './words.ts';

const STORES_MAX = 16;

const address = text(1_000).superRefine((written, context) => {
  const message = storeAddressFault(written);
  if (message !== null) context.addIssue({ code: 'custom', message });
});

/** Addresses of stores outside of the set, by name. */
export function storesSchema(name: z.ZodType<string, string>): z.ZodType<Readonly<Record<string, string>>> {
  return z
    .record(name, address)
    .refine((stores) => Object.keys(stores).length <= STORES_MAX, `must have at most ${STORES_MAX} stores`);
}
