// SPDX-License-Identifier: Apache-2.0
import { closeSync, fsyncSync, openSync, readlinkSync, rmSync } from 'node:fs';
import type { HandedOnSlots } from '@vnfpool/core/agent';
import type { FenceRecord } from '@vnfpool/platform/fence';
import type { ProcessIdentity } from '@vnfpool/platform/processes';
import { readOptionalFile, writeSecretFile } from '@vnfpool/runtime/files';
import type { HandedOnLink } from './lease-link.ts';
import { thisMachine } from './this-machine.ts';

/** What an agent hands on to the agent that takes its place. */
export interface HandedOn {
  /** When it fell silent, by CLOCK_BOOTTIME. */
  readonly silentAtMs: number;
  readonly incarnation: bigint;
  readonly slots: HandedOnSlots;
  readonly fence?: FenceRecord;
  readonly link: HandedOnLink;
}

interface Written extends HandedOn {
  readonly v: typeof FORM;
  readonly machine: string;
  /** CLOCK_BOOTTIME is another one in another time namespace. */
  readonly timeNamespace: string;
  readonly from: ProcessIdentity;
  readonly to: ProcessIdentity;
}

/** Raised with every change of what is handed on: who does not know it starts as after a restart. */
const FORM = 1;

const markerFile = (folder: string): string => `${folder}/handed-on.json`;

/**
 * Leaves what the agent `to` goes on with, as the last act of `from`: nothing of this process may act afterwards. On disk when it returns.
 */
export function writeMarker(
  folder: string,
  from: ProcessIdentity,
  to: ProcessIdentity,
  handedOn: HandedOn,
): void {
  const timeNamespace = timeNamespaceOf();
  const written: Written = { v: FORM, machine: thisMachine(), timeNamespace, from, to, ...handedOn };
  writeSecretFile(
    markerFile(folder),
    `${JSON.stringify(written, (_, value: unknown) => (typeof value === 'bigint' ? { bigint: String(value) } : value))}\n`,
  );
}

/**
 * Takes what was handed on, if it is for `to` and from `from`; whatever is there is gone afterwards, and that is on disk
 * before this returns. To be called when the former agent has ended: under its lock.
 * @returns in place of it why there is nothing, for people
 */
export function consumeMarker(
  folder: string,
  from: ProcessIdentity | null,
  to: ProcessIdentity,
): HandedOn | string {
  const text = readOptionalFile(markerFile(folder));
  if (text === null) return 'it has handed nothing on';
  discardMarker(folder);
  return judge(text, from, to);
}

/** Nobody goes on with it, whoever it was for; on disk when it returns. */
export function discardMarker(folder: string): void {
  rmSync(markerFile(folder), { force: true });
  const directory = openSync(folder, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function judge(text: string, from: ProcessIdentity | null, to: ProcessIdentity): HandedOn | string {
  let written: Written;
  try {
    written = JSON.parse(text, (_, value: unknown) => bigintOf(value)) as Written;
  } catch (error) {
    return `what it has handed on cannot be read (${(error as Error).message})`;
  }
  const { v, machine, timeNamespace, from: giver, to: taker, ...handedOn } = written;
  if (v !== FORM) return 'it hands on in another form than this version knows';
  if (machine !== thisMachine() || timeNamespace !== timeNamespaceOf())
    return 'what was handed on is of another start of the machine';
  if (from === null || !isSame(giver, from) || !isSame(taker, to))
    return 'what was handed on is not for this process';
  return handedOn;
}

function bigintOf(value: unknown): unknown {
  const { bigint } = (value ?? {}) as { readonly bigint?: unknown };
  return typeof bigint === 'string' ? BigInt(bigint) : value;
}

function isSame(a: ProcessIdentity, b: ProcessIdentity): boolean {
  return a.pid === b.pid && a.startTicks === b.startTicks;
}

function timeNamespaceOf(): string {
  try {
    return readlinkSync('/proc/self/ns/time');
  } catch {
    return '';
  }
}
