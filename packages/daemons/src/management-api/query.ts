// SPDX-License-Identifier: Apache-2.0
import { ApiError } from './api-error.ts';

/** What stands behind the `?`; a name given twice comes as a list. */
export type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

/** @throws ApiError 400 when the parameter is given twice or empty */
export function word(query: Query, name: string): string | undefined {
  const value = query[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value === '') {
    throw new ApiError(400, 'invalid-request', `?${name}= must be given once, and not empty`);
  }
  return value;
}

/** @throws ApiError 400 when the parameter is no whole number in 0..max */
export function wholeNumber(query: Query, name: string, max: number): number | undefined {
  const text = word(query, name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text) || value > max) {
    throw new ApiError(
      400,
      'invalid-request',
      `?${name}= must be a whole number from 0 to ${max}, got "${text}"`,
    );
  }
  return value;
}
