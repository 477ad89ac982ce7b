// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import type { DeclarationRequest, PlannedChange } from '@vnfpool/core/management';
import { CliError } from '../errors.ts';
import type { CliIo } from '../io.ts';
import { type Paint, painter, type Tone } from '../output/paint.ts';
import { plain } from '../output/plain.ts';

/** The API takes bodies up to 1 MiB; the text is the better part of one. */
const TEXT_BYTES_MAX = 1_000_000;

/** @throws CliError 1 when the file cannot be read or is too long */
export async function readDeclarationFile(file: string, io: CliIo): Promise<DeclarationRequest> {
  let text: string;
  try {
    text = await io.readText(file);
  } catch (error) {
    throw new CliError(1, `${file} cannot be read: ${(error as Error).message}`);
  }
  if (text === '') throw new CliError(1, `${file} is empty`);
  if (Buffer.byteLength(text) > TEXT_BYTES_MAX) {
    throw new CliError(1, `${file} is longer than ${TEXT_BYTES_MAX} bytes`);
  }
  return { text, file: file === '-' ? '-' : resolve(file) };
}

const signs: Readonly<Record<PlannedChange['action'], { readonly sign: string; readonly tone: Tone }>> = {
  create: { sign: '+', tone: 'good' },
  change: { sign: '~', tone: 'warning' },
  delete: { sign: '-', tone: 'bad' },
};

/** `+ pool web: 1 slot, 1 standby (declared)`, a line each. */
export function renderChanges(changes: readonly PlannedChange[], colour: boolean): string {
  const paint = painter(colour);
  return changes.map((change) => `${changeLine(change, paint)}\n`).join('');
}

/** `! The council is node-a alone: …`, a line each. */
export function renderWarnings(warnings: readonly string[], colour: boolean): string {
  const paint = painter(colour);
  return warnings.map((warning) => `${paint('warning', '!')} ${plain(warning, 'one line')}\n`).join('');
}

function changeLine(change: PlannedChange, paint: Paint): string {
  const { sign, tone } = signs[change.action];
  const detail = change.detail === '' ? '' : `: ${change.detail}`;
  const reason = change.reason === '' ? '' : ` ${paint('faint', `(${plain(change.reason, 'one line')})`)}`;
  return `${paint(tone, sign)} ${plain(`${change.subject}${detail}`, 'one line')}${reason}`;
}

/** `1 change`, `3 changes`. */
export function countChanges(changes: readonly PlannedChange[]): string {
  return `${changes.length} change${changes.length === 1 ? '' : 's'}`;
}
