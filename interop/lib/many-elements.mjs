// SPDX-License-Identifier: Apache-2.0
// Many elements at one address, for tables that do not fit into one message: they register, answer keep-alives and no more.
import { SctpTransport } from '@vnfpool/transport/sctp';
import { decodeAsap, encodeAsap } from '@vnfpool/wire/asap';
import { ownAddress } from './world.mjs';

const registrationLifeMs = 600_000;

/** Registers `ids` in a pool at a registrar; settles when it has confirmed all. */
export async function manyElements(world, host, pool, ids) {
  const poolHandle = new TextEncoder().encode(pool);
  const transport = new SctpTransport({ rule: { frameBytesMax: 65_536 }, protocol: 11 });
  const connection = await transport.connect({ host: host.address, port: 3863, localAddress: ownAddress });
  let confirmed = 0;
  let rejected = 0;
  const register = (id) =>
    connection.send(
      encodeAsap({
        type: 'registration',
        poolHandle,
        element: {
          id,
          homeRegistrar: 0,
          registrationLife: registrationLifeMs,
          userTransport: { type: 'tcp', port: 7000, address: ownAddress },
          policy: { type: 'round-robin' },
        },
      }),
    );
  connection.onFrame((frame) => {
    const { message } = decodeAsap(frame);
    if (message.type === 'registration-response') {
      if (message.rejected) rejected += 1;
      else confirmed += 1;
    } else if (message.type === 'endpoint-keep-alive') {
      const elements = message.elementId === undefined ? ids : [message.elementId];
      for (const elementId of elements)
        connection.send(
          encodeAsap({ type: 'endpoint-keep-alive-ack', poolHandle: message.poolHandle, elementId }),
        );
    }
  });
  for (const id of ids) register(id);
  await world.until(`${ids.length} elements are registered in ${pool}`, () => {
    if (rejected > 0) throw new Error(`${rejected} registrations in ${pool} were rejected`);
    return confirmed === ids.length;
  });
  return connection;
}
