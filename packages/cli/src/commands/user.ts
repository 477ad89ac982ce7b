// SPDX-License-Identifier: Apache-2.0
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import type { Session, SessionEvent } from '@vnfpool/client';
import { type Command, Option } from 'commander';
import { durationOption } from '../api/api-command.ts';
import { CliError } from '../errors.ts';
import type { CliIo } from '../io.ts';
import { type ClientScopeOptions, clientScope, withClientScope } from '../scope/client-options.ts';
import { explained } from '../scope/explained.ts';
import { identifier, showTransport } from '../tables/found.ts';

interface Options extends ClientScopeOptions {
  readonly plain?: boolean;
  readonly quiet?: boolean;
  readonly peerClose?: 'fail-over' | 'end';
  readonly linger: number;
  readonly timeout: number;
}

export function addUser(program: Command, io: CliIo): void {
  withClientScope(program.command('user'))
    .summary('a terminal to a pool')
    .description(
      'Opens a session with a pool: each line of standard input is sent to an element, what it answers goes to standard ' +
        'output. When the element is lost, the session goes on at another; what happens is told on standard error.',
    )
    .argument('<pool>', 'its handle')
    .option('--plain', 'sessions are not secured, whatever the scope is')
    .addOption(
      new Option(
        '--peer-close <meaning>',
        'what an element means that closes: fail-over, as one that was killed does; end, as plain TCP servers do at the end; default end over plain TCP, else fail-over',
      ).choices(['fail-over', 'end']),
    )
    .option('-q, --quiet', 'do not tell what happens to the session')
    .addOption(
      durationOption(
        '--linger <duration>',
        'silence of the element that ends it after the last line',
        1_000,
        '1s',
      ),
    )
    .addOption(
      durationOption('--timeout <duration>', 'how long opening and failover may take', 30_000, '30s'),
    )
    .action(async (pool: string, options: Options) => {
      const { PoolUser } = await import('@vnfpool/client');
      const { options: scope, security, troubles } = await clientScope(options, 'user');
      if (security.kind === 'psk' && options.plain !== true)
        throw new CliError(
          2,
          'users and elements have no key in common: sessions of a scope of shared keys are not secured by it; say --plain if that is meant',
        );
      const user = new PoolUser({ ...scope, ...(options.plain === true ? { data: 'plain' as const } : {}) });
      try {
        const session = await explained(
          user.open(pool, {
            timeoutMs: options.timeout,
            signal: io.signal,
            ...(options.peerClose === undefined ? {} : { peerClose: options.peerClose }),
            onEvent: (event) => {
              const line = options.quiet === true ? null : describe(event);
              if (line !== null) io.err(`${line}\n`);
            },
          }),
          pool,
          troubles,
        );
        await explained(converse(session, io, options.linger), pool, troubles);
      } finally {
        user.close();
      }
    });
}

/** Both directions at once, until the element ends the session, or input has ended and the element is silent. */
async function converse(session: Session, io: CliIo, lingerMs: number): Promise<void> {
  let heardAt = performance.now();
  const receiving = (async () => {
    const decoder = new TextDecoder();
    for await (const message of session) {
      heardAt = performance.now();
      io.out(decoder.decode(message, { stream: true }));
    }
  })();
  const lines = createInterface({ input: process.stdin });
  const sending = (async () => {
    for await (const line of lines) await session.send(`${line}\n`);
    heardAt = performance.now();
    for (let left = lingerMs; left > 0; left = lingerMs - (performance.now() - heardAt)) await pause(left);
    session.close();
  })();
  try {
    await Promise.race([receiving, sending.then(() => receiving)]);
  } finally {
    lines.close();
    sending.catch(() => undefined);
  }
}

function describe(event: SessionEvent): string | null {
  switch (event.event) {
    case 'opened':
      return `# element ${identifier(event.element.id)} at ${showTransport(event.element.userTransport)}`;
    case 'failing-over':
      return `# lost: ${event.reason}`;
    case 'failed-over':
      return `# goes on at element ${identifier(event.to.id)} at ${showTransport(event.to.userTransport)}`;
    case 'ended':
      return '# ended';
    case 'failed':
      return `# failed: ${event.reason}`;
    default:
      return null;
  }
}
