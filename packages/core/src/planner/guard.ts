// SPDX-License-Identifier: Apache-2.0
import type { Command } from './actions.ts';

/** What is still told to nodes while much of the set is gone: what they should know and run, and nothing that ends or moves. */
const TOLD: ReadonlySet<Command['type']> = new Set<Command['type']>(['configure', 'add', 'assign']);

export function thawedCommands(commands: readonly Command[]): Command[] {
  return commands.filter(({ type }) => TOLD.has(type));
}
