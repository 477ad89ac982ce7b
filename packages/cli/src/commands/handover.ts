// SPDX-License-Identifier: Apache-2.0
import type { HandoverAnswer, HandoverRequest } from '@vnfpool/core/management';
import type { Command } from 'commander';
import { type ApiOptions, connectApi, durationOption, withApi } from '../api/api-command.ts';
import { reportFailovers } from '../failover/report.ts';
import { FailoverWatch } from '../failover/watch.ts';
import type { CliIo } from '../io.ts';
import { plain } from '../output/plain.ts';
import { type SlotName, slotName } from './slot-name.ts';

interface Options extends ApiOptions {
  readonly to?: string;
  readonly iAcceptTheLoss?: boolean;
  readonly wait: number | false;
}

export function addHandover(program: Command, io: CliIo): void {
  withApi(program.command('handover'))
    .summary('move a slot to another instance on purpose')
    .description(
      'Moves a slot to another instance on purpose: its holder releases it, so nobody waits for a timeout. In an N-way pool it stays where it is put, until its holder changes for another reason. Then draws how it went.',
    )
    .argument('<slot>', 'POOL/SLOT, for instance web/0', slotName)
    .option('--to <instance>', 'who should hold it, for instance web#2; the first candidate when not said')
    .option(
      '--i-accept-the-loss',
      'where nobody holds the slot and nobody who has its state is there: --to takes it with what it has; what it is known to lack is said and recorded',
    )
    .addOption(durationOption('--wait <duration>', 'how long to wait for it', 10_000, '10s'))
    .option('--no-wait', 'do not wait for it')
    .action(async ({ pool, slot }: SlotName, options: Options) => {
      const client = await connectApi(options, io);
      const watch = options.wait === false ? undefined : await FailoverWatch.open(client);
      try {
        const request: HandoverRequest = {
          pool,
          slot,
          ...(options.to === undefined ? {} : { to: options.to }),
          ...(options.iAcceptTheLoss === true && { acceptsLoss: true }),
        };
        const { acceptedLoss } = await client.post<HandoverAnswer>('/v1/handover', request);
        io.out(`${pool}/${slot}: hand-over ordered\n`);
        if (acceptedLoss) io.out(`  accepted: ${plain(acceptedLoss.words, 'one line')}\n`);
        if (watch !== undefined && options.wait !== false) {
          await reportFailovers(watch, [`${pool}/${slot}`], options.wait, io);
        }
      } finally {
        watch?.close();
      }
    });
}
