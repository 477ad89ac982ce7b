// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { NetworkGate } from '../../src/gate/index.ts';
import { createPrivateNetwork, inNamespace, type PrivateNetwork } from '../../src/namespaces/index.ts';
import { findLink, NETLINK_ROUTE, NetlinkSocket } from '../../src/netlink/index.ts';
import { labMissing } from '../support/lab.ts';

const label = randomBytes(4).toString('hex');
const patient = { timeout: 20_000 };
const INSIDE = '198.18.77.2';

async function make(isClosed: boolean): Promise<PrivateNetwork> {
  const network = await createPrivateNetwork(label, 'gate', {
    interfaces: [
      {
        name: 'wan',
        peer: `g${label}`,
        addresses: [`${INSIDE}/30`],
        peerAddresses: ['198.18.77.1/30'],
        hardwareAddress: Uint8Array.of(2, 0, 0, 0, 77, 2),
      },
    ],
    isClosed,
  });
  onTestFinished(() => network.close());
  return network;
}

function gateOf({ namespace }: PrivateNetwork): NetworkGate {
  const gate = inNamespace(namespace.fd, () => new NetworkGate());
  onTestFinished(() => gate.dispose());
  return gate;
}

/** Sends a datagram inside, which takes a question by ARP first. */
async function knock(): Promise<void> {
  const socket = createSocket('udp4');
  socket.send('knock', 9, INSIDE, () => socket.close());
  await once(socket, 'close');
}

/** What becomes of a connection to a port where nobody listens: the answer says that packets pass both ways. */
async function tryToConnect(): Promise<string> {
  const socket = connect(9, INSIDE);
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(3_000) });
    return 'connected';
  } catch (error) {
    return (error as { code: string }).code;
  } finally {
    socket.destroy();
  }
}

describe.skipIf(labMissing !== '')(`the gate of a namespace ${labMissing}`, () => {
  test('closed from the beginning, nothing is answered, not even ARP; opened, everything is', async () => {
    const network = await make(true);
    const gate = gateOf(network);
    await expect.poll(() => network.isPassing(), patient).toBe(true);
    const before = gate.dropped('standby')?.packets ?? 0;
    await expect
      .poll(async () => {
        await knock();
        return (gate.dropped('standby')?.packets ?? 0) > before;
      }, patient)
      .toBe(true);
    expect(gate.open('standby')?.packets).toBeGreaterThan(before);
    expect(gate.dropped('standby')).toBeNull();
    expect(gate.open('standby')).toBeNull();
    await expect.poll(tryToConnect, patient).toBe('ECONNREFUSED');
  });

  test('two reasons hold each for itself, and outlast who closed it', async () => {
    const network = await make(false);
    const first = gateOf(network);
    expect(first.dropped('standby')).toBeNull();
    first.close('quiesced');
    first.close('quiesced');
    first.close('standby');
    first.dispose();
    const second = gateOf(network);
    expect(second.open('standby')).not.toBeNull();
    expect(second.dropped('quiesced')).not.toBeNull();
    second.open('quiesced');
    await expect.poll(tryToConnect, patient).toBe('ECONNREFUSED');
  });

  test('a link has the hardware address that was asked for', async () => {
    const { namespace } = await make(true);
    const { hardwareAddress } = inNamespace(namespace.fd, () => {
      const socket = new NetlinkSocket(NETLINK_ROUTE);
      try {
        return findLink(socket, 'wan');
      } finally {
        socket.close();
      }
    });
    expect([...hardwareAddress]).toEqual([2, 0, 0, 0, 77, 2]);
  });
});
