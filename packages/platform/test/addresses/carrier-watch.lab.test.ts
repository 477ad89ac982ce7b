// SPDX-License-Identifier: Apache-2.0
import { expect, onTestFinished, test } from 'vitest';
import { CarrierWatch } from '../../src/addresses/index.ts';
import { createNamespace, inNamespace, type NetworkNamespace } from '../../src/namespaces/index.ts';
import {
  createVeth,
  deleteLink,
  findLink,
  NETLINK_ROUTE,
  NetlinkSocket,
  setLinkUp,
} from '../../src/netlink/index.ts';
import { labMissing } from '../support/lab.ts';

/** A pair of links in a namespace of its own, both up, and what was told of the first. */
function pair() {
  const home: NetworkNamespace = createNamespace();
  onTestFinished(() => home.close());
  const inside = <Result>(work: (socket: NetlinkSocket) => Result): Result =>
    inNamespace(home.fd, () => {
      const socket = new NetlinkSocket(NETLINK_ROUTE);
      try {
        return work(socket);
      } finally {
        socket.close();
      }
    });
  const set = (name: string, isUp: boolean): void =>
    inside((socket) => setLinkUp(socket, findLink(socket, name).index, isUp));
  inside((socket) => createVeth(socket, { name: 'eth0' }, { name: 'far' }));
  set('far', true);
  const told: boolean[] = [];
  const watch = (): CarrierWatch => {
    const made = inNamespace(
      home.fd,
      () =>
        new CarrierWatch('eth0', {
          changed: (hasCarrier) => void told.push(hasCarrier),
          failed: (error) => {
            throw error;
          },
        }),
    );
    onTestFinished(() => made.close());
    return made;
  };
  return { set, told, watch, inside };
}

test.skipIf(labMissing !== '')(
  `a carrier that goes and comes is told, each once; so is a link that is taken down, and one that is gone ${labMissing}`,
  async () => {
    const { set, told, watch, inside } = pair();
    set('eth0', true);
    watch();
    expect(told).toEqual([]);
    set('far', false);
    await expect.poll(() => told).toEqual([false]);
    set('far', true);
    await expect.poll(() => told).toEqual([false, true]);
    set('eth0', false);
    await expect.poll(() => told).toEqual([false, true, false]);
    set('eth0', true);
    await expect.poll(() => told).toEqual([false, true, false, true]);
    inside((socket) => deleteLink(socket, findLink(socket, 'eth0').index));
    await expect.poll(() => told).toEqual([false, true, false, true, false]);
  },
);

test.skipIf(labMissing !== '')(`one that has none at the beginning is told at once ${labMissing}`, () => {
  const { told, watch } = pair();
  watch();
  expect(told).toEqual([false]);
});
