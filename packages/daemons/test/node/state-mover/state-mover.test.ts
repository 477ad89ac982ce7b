// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import type { Connection, StreamTransport } from '@vnfpool/transport/stream';
import { describe, expect, test } from 'vitest';
import { NoFunctionState, type StateChunks } from '../../../src/node/function-state/index.ts';
import { type Client, EXAMPLES, run } from '../function-state/programs.ts';
import { DESTINATION, order, receive, SOURCE, send, site } from './two-nodes.ts';

const SECONDS = 1_000;
const [python, javascript] = EXAMPLES;

/** Counts until it is not answered any more; tells how far it came. */
async function count(client: Client): Promise<number> {
  for (let counted = 0; ; counted += 1) {
    const answer = await client.ask('add counter');
    if (answer === null) return counted;
    expect(answer).toBe(`value ${counted + 1}`);
  }
}

describe.each(EXAMPLES)('$name', (example) => {
  const { missing } = example;

  test(
    'moves to another node while a client counts: the count goes on where it was',
    async ({ skip }) => {
      skip(missing !== null, missing ?? '');
      const [a, b, from, to] = await Promise.all([
        site(SOURCE),
        site(DESTINATION),
        run(example),
        run(example),
      ]);
      await Promise.all([from.state.role('active', '1'), to.state.role('standby', '1')]);
      const filling = await from.open();
      for (let each = 0; each < 30; each += 1) await filling.ask(`set before${each} ${'x'.repeat(1000)}`);
      const counting = count(await from.open());
      const given = order();
      const receiving = receive(b, given, to.state);
      const sending = send(a, b, given, from.state, {
        finish: async () => {
          await from.program.stop(0);
        },
      });
      expect(await sending.ended).toMatchObject({
        outcome: 'committed',
        pauseMs: expect.any(Number) as number,
      });
      expect(await receiving.ended).toMatchObject({ outcome: 'committed' });
      expect(receiving.did).toEqual(['activate']);
      const counted = await counting;
      const after = await to.open();
      expect(await after.ask('add counter')).toBe(`value ${counted + 1}`);
      expect(await after.ask('get before29')).toBe(`value ${'x'.repeat(1000)}`);
      // The source has ended, and need not be remembered.
      await expect.poll(() => readdirSync(`${a.folder}/transfers`)).toEqual(['port']);
      expect(sending.transfer.report()).toMatchObject({ phase: 'committed' });
      expect(sending.transfer.report().bytes).toBeGreaterThan(30_000);
    },
    60 * SECONDS,
  );
});

/** State whose octets are written over as soon as they may be, as those of a socket that is read into one buffer. */
class ScratchState extends NoFunctionState {
  readonly sent = createHash('sha256');
  readonly taken = createHash('sha256');

  override async export(
    kind?: string,
    write?: (chunk: Uint8Array) => Promise<void>,
  ): Promise<{ readonly bytes: number }> {
    const buffer = Buffer.alloc(1_200_000);
    const sizes = kind === 'snapshot' ? [1, 300_000, 262_144, 1_200_000, 65_541, 1_048_577, 5] : [7];
    for (const [at, size] of sizes.entries()) {
      const chunk = buffer.subarray(0, size);
      for (let place = 0; place < size; place += 1) chunk[place] = (place * 31 + at) % 251;
      this.sent.update(chunk);
      await write?.(chunk);
      buffer.fill(0);
    }
    return { bytes: 0 };
  }

  override async import(_kind: unknown, chunks: StateChunks): Promise<void> {
    for await (const chunk of chunks) {
      this.taken.update(chunk);
      for (let next = chunks.more?.(); next !== undefined; next = chunks.more?.()) this.taken.update(next);
    }
  }
}

test('a state of many windows arrives as it was, though the memory of each chunk is used again', async () => {
  const [a, b] = await Promise.all([site(SOURCE), site(DESTINATION)]);
  const [from, to] = [new ScratchState(), new ScratchState()];
  const given = order();
  const receiving = receive(b, given, to);
  const sending = send(a, b, given, from);
  expect(await sending.ended).toMatchObject({ outcome: 'committed' });
  expect(await receiving.ended).toMatchObject({ outcome: 'committed' });
  expect(to.taken.digest('hex')).toBe(from.sent.digest('hex'));
});

describe('what goes wrong', () => {
  const example = javascript ?? python;
  if (example === undefined) throw new Error('no example');
  const { missing } = example;

  async function pair() {
    if (example === undefined) throw new Error('no example');
    const [from, to] = await Promise.all([run(example), run(example)]);
    await Promise.all([from.state.role('active', '1'), to.state.role('standby', '1')]);
    const client = await from.open();
    await client.ask('set a 1');
    return { from, to, client };
  }

  test(
    'a token that the destination does not know is refused, and the source serves on',
    async ({ skip }) => {
      skip(missing !== null, missing ?? '');
      const [a, b, { from, to, client }] = await Promise.all([site(SOURCE), site(DESTINATION), pair()]);
      receive(b, order(), to.state);
      const { ended } = send(a, b, order(), from.state);
      expect(await ended).toMatchObject({ outcome: 'aborted', reason: 'refused', errorNumber: 3 });
      expect(await client.ask('set b 2')).toBe('ok');
      expect(await (await to.open()).list()).toEqual([]);
    },
    60 * SECONDS,
  );

  test(
    'a token serves one transfer, from the node it was made for',
    async ({ skip }) => {
      skip(missing !== null, missing ?? '');
      const [a, b, c, { from, to, client }] = await Promise.all([
        site(SOURCE),
        site(DESTINATION),
        site(12),
        pair(),
      ]);
      const given = order({ mode: 'copy' });
      const receiving = receive(b, given, to.state);
      expect(await send(c, b, given, from.state).ended).toMatchObject({ reason: 'refused', errorNumber: 3 });
      expect(() => receive(b, given, to.state)).toThrow('a transfer of this token is under way');
      expect(await send(a, b, given, from.state).ended).toMatchObject({ outcome: 'committed' });
      expect(await receiving.ended).toMatchObject({ outcome: 'committed' });
      expect(await send(a, b, given, from.state).ended).toMatchObject({
        outcome: 'aborted',
        reason: 'refused',
      });
      // A copy: both have it, and go their own ways.
      expect(await client.ask('set b 2')).toBe('ok');
      expect(await (await to.open()).list()).toEqual(['a 1']);
    },
    60 * SECONDS,
  );

  test(
    'an unreachable destination: given up after the time for it, and the source serves on',
    async ({ skip }) => {
      skip(missing !== null, missing ?? '');
      const [a, b, { from, client }] = await Promise.all([site(SOURCE), site(DESTINATION), pair()]);
      await b.close();
      const { ended } = send(a, b, order(), from.state, { connectMs: 300 });
      expect(await ended).toMatchObject({ outcome: 'aborted', reason: 'timeout' });
      expect(await client.ask('set b 2')).toBe('ok');
    },
    60 * SECONDS,
  );

  test(
    'the destination refuses to serve: the source goes on, the destination forgets',
    async ({ skip }) => {
      skip(missing !== null, missing ?? '');
      const [a, b, { from, to, client }] = await Promise.all([site(SOURCE), site(DESTINATION), pair()]);
      const given = order();
      const receiving = receive(b, given, to.state, {
        activate: () => Promise.reject(new Error('its address is taken')),
      });
      const sending = send(a, b, given, from.state);
      expect(await receiving.ended).toMatchObject({
        outcome: 'aborted',
        text: 'the function did not take over',
      });
      expect(await sending.ended).toMatchObject({ outcome: 'aborted' });
      expect(sending.did).toEqual([]);
      expect(await client.ask('set b 2')).toBe('ok');
      expect(await (await to.open()).list()).toEqual([]);
    },
    60 * SECONDS,
  );

  test(
    'cut off while it decides: the outcome is found out, and exactly one owns the sessions',
    async ({ skip }) => {
      skip(missing !== null, missing ?? '');
      const cut: Connection[] = [];
      const remember = (transport: StreamTransport): StreamTransport => ({
        kind: transport.kind,
        counters: transport.counters,
        listen: (options) => transport.listen(options),
        connect: async (options) => {
          const connection = await transport.connect(options);
          cut.push(connection);
          return connection;
        },
      });
      const [a, b, { from, to }] = await Promise.all([
        site(SOURCE, { wrap: remember }),
        site(DESTINATION),
        pair(),
      ]);
      const given = order();
      const receiving = receive(b, given, to.state, {
        activate: async () => {
          // The source has said `commit`, and does not hear the answer on this connection.
          for (const connection of cut) connection.close('cut');
          await to.state.role('active', '2');
        },
      });
      const sending = send(a, b, given, from.state);
      expect(await receiving.ended).toMatchObject({ outcome: 'committed' });
      expect(await sending.ended).toMatchObject({ outcome: 'committed' });
      expect(sending.did).toEqual(['finish move']);
      expect(cut.length).toBeGreaterThan(1);
      expect(await (await to.open()).ask('get a')).toBe('value 1');
    },
    60 * SECONDS,
  );

  test(
    'an agent that ended in doubt goes on with what it wrote down',
    async ({ skip }) => {
      skip(missing !== null, missing ?? '');
      const [a, b, { from, to }] = await Promise.all([site(SOURCE), site(DESTINATION), pair()]);
      const given = order();
      let ending: Promise<void> | null = null;
      const receiving = receive(b, given, to.state, {
        activate: async () => {
          ending = a.close();
          await ending;
          await to.state.role('active', '2');
        },
      });
      send(a, b, given, from.state);
      expect(await receiving.ended).toMatchObject({ outcome: 'committed' });
      const again = await site(SOURCE, { folder: a.folder });
      expect(again.mover.left).toMatchObject([{ ...given, phase: 'doubt' }]);
      const resumed = send(again, b, given, from.state);
      expect(await resumed.ended).toMatchObject({ outcome: 'committed' });
      expect(resumed.did.filter((did) => did !== 'inquire')).toEqual(['finish move']);
      await expect.poll(() => again.mover.left).toEqual([]);
    },
    60 * SECONDS,
  );

  test(
    'cancelled by the manager while state is on its way',
    async ({ skip }) => {
      skip(missing !== null, missing ?? '');
      const [a, b, { from, to, client }] = await Promise.all([site(SOURCE), site(DESTINATION), pair()]);
      const given = order();
      const receiving = receive(b, given, to.state);
      const sending = send(a, b, given, from.state);
      sending.transfer.cancel();
      expect(await sending.ended).toMatchObject({ outcome: 'aborted', reason: 'cancelled', errorNumber: 8 });
      receiving.transfer.cancel();
      expect(await receiving.ended).toMatchObject({ outcome: 'aborted', reason: 'cancelled' });
      expect(await client.ask('set b 2')).toBe('ok');
    },
    60 * SECONDS,
  );
});
