// SPDX-License-Identifier: Apache-2.0
import { InvalidArgumentError } from 'commander';

/** An instance as a person names it. */
export function instanceName(text: string): string {
  if (!/^[A-Za-z0-9._-]+#\d+$/.test(text))
    throw new InvalidArgumentError('It is POOL#NUMBER, for instance web#1.');
  return text;
}
