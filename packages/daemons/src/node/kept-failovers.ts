// SPDX-License-Identifier: Apache-2.0
import { readOptionalFile, writeSecretFile } from '@vnfpool/runtime/files';
import type { Logger } from '@vnfpool/runtime/logging';
import { encodeSlotReport, type FailoverRecord, parseSlotReport } from '@vnfpool/wire/mobility';

/*
 * Failover records that no manager has acknowledged yet, on disk: they are told after a restart of the agent too. The file is a slot
 * report with nothing else in it.
 */

/** A disk that is full costs the record's life beyond this agent, and nothing else. */
export function keepFailovers(folder: string, records: readonly FailoverRecord[], logger: Logger): void {
  const octets = encodeSlotReport({ v: 1, muteMs: 0, slots: [], failovers: records });
  try {
    writeSecretFile(fileIn(folder), `${new TextDecoder().decode(octets)}\n`);
  } catch (error) {
    logger.warn({ err: error }, 'failover records are not kept');
  }
}

/** What cannot be read is told, and left out: a record is news, and no right hangs on it. */
export function keptFailovers(folder: string, logger: Logger): readonly FailoverRecord[] {
  try {
    const text = readOptionalFile(fileIn(folder));
    return text === null ? [] : parseSlotReport(new TextEncoder().encode(text)).failovers;
  } catch (error) {
    logger.warn({ err: error, file: fileIn(folder) }, 'failover records of the agent before cannot be read');
    return [];
  }
}

function fileIn(folder: string): string {
  return `${folder}/failovers.json`;
}
