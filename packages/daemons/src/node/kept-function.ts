// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { type FunctionId, functionId } from '@vnfpool/core';
import type { FunctionRecord, LifeRecord, OwnStates } from '@vnfpool/core/agent';
import type { ProcessIdentity } from '@vnfpool/platform/processes';
import {
  encodeSlotAssignment,
  type FunctionSpecification,
  parseFunctionSpecification,
  parseSlotAssignment,
} from '@vnfpool/wire/mobility';

/** A process of a function, as the next agent finds it. */
export interface RunRecord extends ProcessIdentity {
  readonly run: number;
  /** Name of its group, of its network, and of its container. */
  readonly name: string;
  readonly address: string;
  readonly port: number | null;
  /** Milliseconds of the machine's clock at its start, and the moment as an NTP timestamp. */
  readonly startedMs: number;
  readonly bootTime: string;
  /** Folder that it shares with the agent, for its socket or its hooks; null: none. */
  readonly folder: string | null;
  /** File of its output, and where in it this run begins. */
  readonly output: { readonly path: string; readonly from: number };
}

/** A function as a former agent left it. */
export interface KeptFunction {
  readonly functionId: FunctionId;
  readonly record: FunctionRecord;
  readonly specification: FunctionSpecification;
  /** Null: it had no process yet. */
  readonly run: RunRecord | null;
}

export function writeKept({ record, run }: Pick<KeptFunction, 'record' | 'run'>): string {
  const { octets, assignment, ...rest } = record;
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  return `${JSON.stringify({
    v: 1,
    ...rest,
    specification: base64(octets),
    assignment: assignment && base64(encodeSlotAssignment(assignment)),
    run,
  })}\n`;
}

/** @throws Error that names the file when it is not what was written there, and says what to do */
export function readKept(path: string): KeptFunction {
  try {
    return parse(functionId(Number(basename(path, '.json'))), readFileSync(path, 'utf8'));
  } catch (error) {
    throw new Error(
      `${path} is damaged (${(error as Error).message}); remove it to go on without that function: what still runs of it is then ended`,
    );
  }
}

interface Written {
  readonly v: 1;
  readonly name: string;
  readonly specification: string;
  readonly assignment: string | null;
  readonly life: LifeRecord;
  readonly transfer: FunctionRecord['transfer'];
  readonly ownStates?: FunctionRecord['ownStates'];
  readonly run: RunRecord | null;
}

function parse(id: FunctionId, text: string): KeptFunction {
  const written = JSON.parse(text) as Written;
  const { v, name, life, transfer, ownStates, run } = written;
  const octets = new Uint8Array(Buffer.from(written.specification, 'base64'));
  const assignment =
    written.assignment === null
      ? null
      : parseSlotAssignment(new Uint8Array(Buffer.from(written.assignment, 'base64')));
  if (v !== 1 || typeof name !== 'string' || !isLife(life) || !isTransfer(transfer) || !isRun(run))
    throw new Error('not what was written there');
  return {
    functionId: id,
    record: { name, octets, assignment, life, transfer, ...(isOwnStates(ownStates) && { ownStates }) },
    specification: parseFunctionSpecification(octets),
    run,
  };
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

function isLife({ phase, run, incarnation, healthy, restarts, awaitsState, leaving }: LifeRecord): boolean {
  return (
    ['started', 'idle', 'terminating'].includes(phase) &&
    isCount(run) &&
    isCount(restarts) &&
    /^[0-9a-f]{16}$/.test(incarnation) &&
    typeof healthy === 'boolean' &&
    typeof awaitsState === 'boolean' &&
    (leaving === null || typeof leaving === 'string')
  );
}

function isTransfer(transfer: FunctionRecord['transfer']): boolean {
  if (transfer === null) return true;
  const { role, mode, peer, token } = transfer;
  return (
    ['source', 'destination'].includes(role) &&
    (mode === null || ['move', 'copy', 'sessions'].includes(mode)) &&
    isCount(peer) &&
    /^[0-9a-f]{32}$/.test(token)
  );
}

function isOwnStates(ownStates: FunctionRecord['ownStates']): ownStates is OwnStates {
  return (
    ownStates !== undefined &&
    /^[0-9a-f]{16}$/.test(ownStates.incarnation) &&
    Object.values(ownStates.epochs).every(isCount)
  );
}

/** A process number of 0 or 1, or below, would name everybody, or somebody that never is ours. */
function isRun(run: RunRecord | null): boolean {
  if (run === null) return true;
  const { pid, startTicks, name, address, port, startedMs, bootTime, folder, output } = run;
  return (
    isCount(run.run) &&
    isCount(pid) &&
    pid > 1 &&
    isCount(startTicks) &&
    typeof name === 'string' &&
    !/[/\0]/.test(name) &&
    typeof address === 'string' &&
    (port === null || isCount(port)) &&
    Number.isFinite(startedMs) &&
    /^\d+$/.test(bootTime) &&
    (folder === null || typeof folder === 'string') &&
    typeof output.path === 'string' &&
    isCount(output.from)
  );
}
