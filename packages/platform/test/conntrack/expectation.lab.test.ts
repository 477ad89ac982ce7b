// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  Conntrack,
  type ConntrackEntry,
  type ConntrackExpectation,
  ConntrackFollower,
  subscribeConntrack,
  writeConntrackSetting,
} from '../../src/conntrack/index.ts';
import { createNamespace, inNamespace, type NetworkNamespace } from '../../src/namespaces/index.ts';
import { labMissing, until } from '../support/lab.ts';
import { address, masqueraded } from './entries.ts';

const control: ConntrackEntry = { ...masqueraded(40_000), helper: 'ftp' };
/** The server will connect to the gateway, and come to the client. */
const data: ConntrackExpectation = {
  master: control.original,
  tuple: {
    source: control.original.destination,
    destination: control.reply.destination,
    protocol: 6,
    layer4: { kind: 'ports', source: 0, destination: 4021 },
  },
  mask: {
    source: address(255, 255, 255, 255),
    destination: address(255, 255, 255, 255),
    protocol: 6,
    layer4: { kind: 'ports', source: 0, destination: 0xffff },
  },
  timeoutSeconds: 200,
  flags: 0,
  class: 0,
  zone: 0,
  helper: 'ftp',
  translation: {
    isReply: true,
    tuple: {
      source: control.original.source,
      destination: address(0, 0, 0, 0),
      protocol: 6,
      layer4: { kind: 'ports', source: 4021, destination: 0 },
    },
  },
  function: 'nat-follow-master',
};

/** Why helpers cannot be tried here; empty when they can. */
const missing = labMissing || whyNoHelper();

function whyNoHelper(): string {
  const namespace = createNamespace();
  try {
    const table = inNamespace(namespace.fd, () => new Conntrack());
    const refused = table.insert([control]);
    table.close();
    return refused.length === 0 ? '' : `this kernel has no helper for FTP: ${refused[0]?.error.code}`;
  } finally {
    namespace.close();
  }
}

describe.skipIf(missing !== '')(`expected connections ${missing}`, () => {
  const closers: (() => void)[] = [];
  let namespace: NetworkNamespace;
  let table: Conntrack;

  beforeEach(() => {
    namespace = createNamespace();
    closers.push(() => namespace.close());
    table = inNamespace(namespace.fd, () => new Conntrack());
    closers.push(() => table.close());
  });
  afterEach(() => {
    for (const close of closers.splice(0).reverse()) close();
  });

  const withoutTime = (all: readonly ConntrackExpectation[]): unknown[] =>
    all.map((each) => ({ ...each, timeoutSeconds: 0 }));

  test('are put in behind their master, listed as they were, and gone with it', () => {
    expect(table.expectations()).toEqual([]);
    expect(table.expect([data]).map(({ error }) => error.code)).toEqual(['ENOENT']);
    expect(table.insert([control])).toEqual([]);
    expect(table.expect([data])).toEqual([]);
    expect(withoutTime(table.expectations())).toEqual(withoutTime([data]));
    table.remove([control]);
    expect(table.expectations()).toEqual([]);
  });

  test('they have the time that was left, not what their helper gives', () => {
    table.insert([control]);
    table.expect([{ ...data, timeoutSeconds: 70 }]);
    const [{ timeoutSeconds: left } = { timeoutSeconds: 0 }] = table.expectations();
    expect(left).toBeGreaterThan(60);
    expect(left).toBeLessThanOrEqual(70);
  });

  test('are removed by themselves, their master stays', () => {
    table.insert([control]);
    table.expect([data]);
    expect(table.unexpect([data])).toEqual([]);
    expect(table.expectations()).toEqual([]);
    expect(table.unexpect([data]).map(({ error }) => error.code)).toEqual(['ENOENT']);
    expect(table.find(control)?.helper).toBe('ftp');
  });

  test('their coming and going is told to who asks for it', async () => {
    inNamespace(namespace.fd, () => writeConntrackSetting('nf_conntrack_events', 1));
    const heard: string[] = [];
    const events = inNamespace(namespace.fd, () =>
      subscribeConntrack({
        events: (all) => heard.push(...all.map(({ type }) => type)),
        expectations: (all) => {
          heard.push(...all.map(({ type, expectation }) => `${type} ${expectation.helper}`));
          expect(withoutTime(all.map(({ expectation }) => expectation))).toEqual(withoutTime([data]));
        },
        overrun: () => heard.push('overrun'),
        failed: (error) => heard.push(error.message),
      }),
    );
    closers.push(() => events.close());
    table.insert([control]);
    table.expect([data]);
    await until('both are told', () => heard.length === 2);
    table.remove([control]);
    await until('their end is told', () => heard.length === 4);
    expect(heard.slice(0, 2)).toEqual(['new', 'new ftp']);
    expect(heard.slice(2).toSorted()).toEqual(['destroy', 'destroy ftp']);
  });

  test('are told only of masters that were told of', () => {
    table.insert([control]);
    table.expect([data]);
    const follower = inNamespace(namespace.fd, () => new ConntrackFollower());
    closers.push(() => follower.close());
    expect(follower.expectations()).toEqual([]);
    follower.changes();
    expect(withoutTime(follower.expectations())).toEqual(withoutTime([data]));
  });

  test('not with addresses of different sizes', () => {
    const wrong = { ...data, tuple: { ...data.tuple, source: new Uint8Array(16) } };
    expect(() => table.expect([wrong])).toThrow(/16 and 4 octets/);
  });
});
