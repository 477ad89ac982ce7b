// SPDX-License-Identifier: Apache-2.0
import { silentLogger } from '@vnfpool/runtime/logging';
import { expect, test } from 'vitest';
import { type AddressUsers, followAddress } from '../../src/node/address-change.ts';
import { type AddressChange, openOwnAddress } from '../../src/node/own-address.ts';

interface Scene {
  readonly told: unknown[];
  readonly change: (change: AddressChange) => void;
  /** Lets the next move of the state channel come to its end. */
  readonly moved: (error?: Error) => void;
}

function scene(member: boolean): Scene {
  const told: unknown[] = [];
  let listener: (change: AddressChange) => void = () => {};
  const moves: ((error?: Error) => void)[] = [];
  let port = 50_000;
  const users: AddressUsers = {
    transfers: {
      get port() {
        return port;
      },
      move: (address) => {
        told.push(['state', address]);
        return new Promise((resolve, reject) =>
          moves.push((error) => {
            port += 1;
            if (error === undefined) resolve();
            else reject(error);
          }),
        );
      },
    },
    link: { addressGone: (address) => void told.push(['gone', address]) },
    agent: (input) => void told.push(input),
    mobility: (input) => void told.push(input),
    logger: silentLogger,
    ...(member
      ? {
          member: {
            moved: (address) => void told.push(['leases', address]),
            leaseEndpoint: (address) => ({
              v: 1,
              name: 'a',
              address,
              port: 7,
              key: '',
              version: '',
              fence: 'none',
            }),
          },
        }
      : {}),
  };
  const own = {
    current: '',
    onChange: (each: typeof listener): void => {
      listener = each;
    },
    close: () => {},
  };
  followAddress(own, users);
  return { told, change: (change) => listener(change), moved: (error) => moves.shift()?.(error) };
}

test('leases first and at once, then state, functions, the manager, and last the connection from there', async () => {
  const { told, change, moved } = scene(true);
  change({ address: 'b', former: 'a' });
  change({ address: 'c', former: 'b' });
  expect(told).toEqual([
    ['leases', 'b'],
    ['leases', 'c'],
  ]);
  told.length = 0;
  await expect.poll(() => told.length).toBe(1);
  moved();
  await expect.poll(() => told.length).toBe(5);
  expect(told).toMatchObject([
    ['state', 'b'],
    { type: 'readdressed', from: 'a', to: 'b' },
    { type: 'node-changed', addresses: ['b'], statePort: 50_001, leaseEndpoint: { address: 'b' } },
    ['gone', 'a'],
    ['state', 'c'],
  ]);
  moved();
  await expect.poll(() => told.length).toBe(8);
  expect(told.slice(5)).toMatchObject([
    { from: 'b' },
    { addresses: ['c'], statePort: 50_002 },
    ['gone', 'b'],
  ]);
});

test('where state cannot be taken there, the rest follows all the same', async () => {
  const { told, change, moved } = scene(false);
  change({ address: 'b', former: 'a' });
  await expect.poll(() => told.length).toBe(1);
  moved(new Error('no port'));
  await expect.poll(() => told.length).toBe(4);
  expect(told.slice(1)).toMatchObject([{ type: 'readdressed' }, { type: 'node-changed' }, ['gone', 'a']]);
  expect(told[2]).not.toHaveProperty('leaseEndpoint');
});

test('an address that was said stays', () => {
  const own = openOwnAddress('192.0.2.7', silentLogger);
  own.onChange(() => expect.unreachable());
  expect(own.current).toBe('192.0.2.7');
  own.close();
});
