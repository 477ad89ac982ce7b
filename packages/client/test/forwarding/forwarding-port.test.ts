// SPDX-License-Identifier: Apache-2.0
import { createSocket } from 'node:dgram';
import {
  type ForwardedPacket,
  ForwardingPort,
  readForwardGrant,
  readForwardingState,
} from '@vnfpool/client/forwarding';
import { FORWARD_PAYLOAD_BYTES_MAX } from '@vnfpool/wire/session-forward';
import { expect, onTestFinished, test } from 'vitest';

const WAIT = { timeout: 10_000 };
const QUICK = { claimMs: 20, aliveMs: 50, lostMs: 400 };

interface Happened {
  readonly type: 'arrived' | 'send' | 'ended' | 'over';
  readonly transfer: string;
  readonly packet?: ForwardedPacket;
  readonly waited?: number;
}

async function open(): Promise<{ readonly port: ForwardingPort; readonly happened: Happened[] }> {
  const happened: Happened[] = [];
  const port = await ForwardingPort.open({
    address: '127.0.0.1',
    limits: QUICK,
    onArrived: (transfer, packet) => happened.push({ type: 'arrived', transfer, packet }),
    onSend: (transfer, packet) => happened.push({ type: 'send', transfer, packet }),
    onEnded: (transfer) => happened.push({ type: 'ended', transfer }),
    onOver: (transfer, waited) => happened.push({ type: 'over', transfer, waited: waited.length }),
  });
  onTestFinished(() => port.close());
  return { port, happened };
}

const packet = (session: number, payload: Uint8Array = new Uint8Array([session])): ForwardedPacket => ({
  session,
  side: 'client',
  address: '192.0.2.7',
  port: 7,
  payload,
});

const ofType = (happened: readonly Happened[], type: Happened['type']): number[] =>
  happened.flatMap((each) => (each.type === type ? [each.packet?.session ?? -1] : []));

/** A home and a holder of one transfer. */
async function pair() {
  const [home, holder] = [await open(), await open()];
  const grant = home.port.offer();
  if (!grant) throw new Error('no room for a transfer');
  holder.port.claim(readForwardGrant(JSON.parse(JSON.stringify(grant))) ?? grant);
  home.port.commit(grant.transfer);
  return { home, holder, grant, transfer: grant.transfer };
}

test('packets go to the holder and back, each once, from the first on', async () => {
  const { home, holder, transfer } = await pair();
  for (let each = 0; each < 50; each += 1) home.port.arrived(transfer, packet(each));
  await expect.poll(() => ofType(holder.happened, 'arrived').length, WAIT).toBe(50);
  expect(ofType(holder.happened, 'arrived')).toEqual(Array.from({ length: 50 }, (_, each) => each));
  for (let each = 0; each < 50; each += 1) holder.port.send(transfer, packet(each));
  await expect.poll(() => ofType(home.happened, 'send').length, WAIT).toBe(50);
  const { payload = [], ...rest } = home.happened[0]?.packet ?? {};
  expect([...payload], JSON.stringify(rest)).toEqual([0]);
  expect({ ...rest, payload: new Uint8Array([0]) }).toEqual(packet(0));
});

test('known from the start where the holder is: nothing waits for its claim', async () => {
  const [home, holder] = [await open(), await open()];
  const grant = home.port.offer();
  if (!grant) throw new Error('no room for a transfer');
  home.port.arrived(grant.transfer, packet(1));
  home.port.commit(grant.transfer, holder.port.place);
  holder.port.claim(grant);
  home.port.arrived(grant.transfer, packet(2));
  // What came before the claim was made is of a transfer that nobody knew.
  await expect
    .poll(() => ofType(holder.happened, 'arrived').length + holder.port.counters.unknown, WAIT)
    .toBe(2);
});

test('strange datagrams are ignored and counted by their reason', async () => {
  const { home, holder, transfer } = await pair();
  home.port.arrived(transfer, packet(1));
  await expect.poll(() => holder.happened.length, WAIT).toBe(1);
  const stranger = createSocket('udp4');
  onTestFinished(() => void stranger.close());
  const caught: Buffer[] = [];
  const between = await new Promise<number>((resolve) =>
    stranger.bind(0, '127.0.0.1', () => resolve(stranger.address().port)),
  );
  stranger.on('message', (bytes) => caught.push(bytes));
  // One whose address was taken over hears what is not for it; it can repeat it, and no more.
  const [third, fourth] = [await open(), await open()];
  const other = third.port.offer();
  if (!other) throw new Error('no room for a transfer');
  third.port.commit(other.transfer, { address: '127.0.0.1', port: between });
  fourth.port.claim(other);
  await expect.poll(() => caught.length === 0 && third.port.counters.received > 0, WAIT).toBe(true);
  const { port } = fourth.port.place;
  const say = (bytes: Uint8Array): void => stranger.send(bytes, port, '127.0.0.1');
  third.port.arrived(other.transfer, packet(9));
  await expect.poll(() => ofType(fourth.happened, 'arrived'), WAIT).toEqual([9]);
  say(new Uint8Array());
  say(new TextEncoder().encode('hello, hello, hello, hello, hello'));
  await expect.poll(() => fourth.port.counters.malformed, WAIT).toBe(2);
  const forged = Buffer.from(`56460104${other.transfer}${'00'.repeat(4)}${'00'.repeat(7)}77`, 'hex');
  say(Buffer.concat([forged, Buffer.from('00000009000400010a000001', 'hex'), Buffer.alloc(16)]));
  await expect.poll(() => fourth.port.counters.forged, WAIT).toBe(1);
  const nobody = Buffer.from(`56460101${'ab'.repeat(8)}${'00'.repeat(12)}`, 'hex');
  say(Buffer.concat([nobody, Buffer.alloc(16)]));
  await expect.poll(() => fourth.port.counters.unknown, WAIT).toBe(1);
  expect(fourth.happened).toHaveLength(1);
});

test('the largest packet goes; a larger one is counted, and nothing breaks', async () => {
  const { home, holder, transfer } = await pair();
  home.port.arrived(transfer, packet(1, new Uint8Array(FORWARD_PAYLOAD_BYTES_MAX)));
  home.port.arrived(transfer, packet(2));
  await expect.poll(() => ofType(holder.happened, 'arrived'), WAIT).toEqual([1, 2]);
  home.port.arrived(transfer, packet(3, new Uint8Array(FORWARD_PAYLOAD_BYTES_MAX + 1)));
  expect(home.port.counters.unsendable).toBe(1);
});

test('a holder that is gone is missed, one that is quiet is not', async () => {
  const { home, holder, transfer } = await pair();
  await expect.poll(() => home.port.counters.received, WAIT).toBeGreaterThan(12);
  expect(home.happened).toEqual([]);
  holder.port.close();
  await expect.poll(() => home.happened, WAIT).toEqual([{ type: 'over', transfer, waited: 0 }]);
  expect(home.port.open).toBe(0);
});

test('an end that moves takes its state along', async () => {
  const { home, holder, transfer } = await pair();
  home.port.arrived(transfer, packet(1));
  await expect.poll(() => ofType(holder.happened, 'arrived'), WAIT).toEqual([1]);
  const state = readForwardingState(JSON.parse(JSON.stringify(holder.port.state(transfer))));
  expect(state).toMatchObject({ end: 'holder', generation: 1 });
  holder.port.close();
  const next = await open();
  if (state) next.port.restore(state);
  await expect.poll(() => home.port.counters.received, WAIT).toBeGreaterThan(1);
  next.port.send(transfer, packet(2));
  await expect.poll(() => ofType(home.happened, 'send'), WAIT).toEqual([2]);
  home.port.drop(transfer);
  await expect.poll(() => next.happened, WAIT).toMatchObject([{ type: 'over' }]);
});

test('grants and states are read as they were written, or refused', () => {
  const grant = { transfer: 'a'.repeat(16), secret: 'S'.repeat(43), address: '192.0.2.1', port: 5 };
  expect(readForwardGrant(grant)).toEqual(grant);
  const state = { ...grant, end: 'home', generation: 3 };
  expect(readForwardingState(state)).toEqual(state);
  expect(readForwardingState({ ...state, address: null, port: null })).toMatchObject({ address: null });
  for (const wrong of [
    { transfer: 'A'.repeat(16) },
    { secret: 'S' },
    { address: 'x' },
    { port: 0 },
    { port: 65_536 },
  ]) {
    expect(readForwardGrant({ ...grant, ...wrong })).toBeNull();
    expect(readForwardingState({ ...state, ...wrong })).toBeNull();
  }
  for (const wrong of [{ end: 'x' }, { generation: -1 }, { generation: 2 ** 32 }, { address: null }])
    expect(readForwardingState({ ...state, ...wrong })).toBeNull();
  for (const wrong of [null, 1, 'x', []]) expect(readForwardGrant(wrong)).toBeNull();
});
