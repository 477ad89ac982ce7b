// SPDX-License-Identifier: Apache-2.0
import { SctpTransport } from '@vnfpool/transport/sctp';
import { decodeAsap, encodeAsap } from '@vnfpool/wire/asap';
import { POLICY_FORMATS } from '@vnfpool/wire/parameters';
import { ask, has, members } from '../lib/probe.mjs';
import { registrar, registrarReady } from '../lib/rsplib.mjs';
import { ownAddress } from '../lib/world.mjs';

const handleOf = (pool) => new TextEncoder().encode(pool);
const registrationLife = 60_000;

/** One policy of each kind, with values that would be lost if a field were in another place. */
const policies = Object.entries(POLICY_FORMATS).map(([type, { fields }]) => ({
  type,
  ...Object.fromEntries(
    fields.map((field, index) => [field, field === 'distance' ? 0 : 0x01020304 * (index + 1)]),
  ),
}));

/** A pool for each; a pool handle has 32 octets at most there. */
const poolOf = (type) => `p-${POLICY_FORMATS[type].code.toString(16)}`;

/** Registrars measure the distance themselves. */
const sameValues = (left, right) =>
  JSON.stringify({ ...left, distance: 0 }) === JSON.stringify({ ...right, distance: 0 });

/** Speaks ASAP message by message, with the codecs and the SCTP of ours and no state machine between. */
export const scenario = {
  title:
    'ASAP message by message at its registrar: every policy, rejection, keep-alive, reports, deregistration',
  async run(world) {
    const r1 = world.host('r1');
    const running = await registrar(world, r1, {
      id: 0x11111111,
      options: ['-endpointkeepalivetransmissioninterval=1000', '-endpointkeepalivetimeoutinterval=1000'],
    });
    await world.until('its registrar is ready', () => registrarReady(running));

    const answers = [];
    let answering = true;
    let keepAlives = 0;
    const transport = new SctpTransport({ rule: { frameBytesMax: 65_536 }, protocol: 11 });
    const connection = await transport.connect({ host: r1.address, port: 3863, localAddress: ownAddress });
    connection.onFrame((frame) => {
      const { message } = decodeAsap(frame);
      if (message.type !== 'endpoint-keep-alive') return answers.push(message);
      keepAlives += 1;
      if (!answering) return;
      const { poolHandle, elementId = 0xa0 } = message;
      connection.send(encodeAsap({ type: 'endpoint-keep-alive-ack', poolHandle, elementId }));
    });
    const request = async (what, message) => {
      answers.length = 0;
      connection.send(encodeAsap(message));
      return await world.until(what, () => answers.at(0), { quiet: true });
    };
    const registration = (pool, id, policy, userTransport) => ({
      type: 'registration',
      poolHandle: handleOf(pool),
      element: {
        id,
        homeRegistrar: 0,
        registrationLife,
        userTransport: userTransport ?? { type: 'sctp', port: 7000, use: 'data', addresses: [ownAddress] },
        policy,
      },
    });

    for (const [index, policy] of policies.entries()) {
      const pool = poolOf(policy.type);
      const id = 0xa0 + index;
      const said = await request(policy.type, registration(pool, id, policy));
      const taken = said.type === 'registration-response' && !said.rejected;
      world.check(`${policy.type} is registered`, taken, JSON.stringify(said));
      const found = (await members(r1, pool))?.get(id);
      world.check(
        `${policy.type} is told as it was registered`,
        found !== undefined && sameValues(found.policy, policy) && found.homeRegistrar === 0x11111111,
        JSON.stringify(found),
      );
    }
    for (const type of ['tcp', 'udp']) {
      const transportOf = { type, port: 7000, address: ownAddress };
      const said = await request(type, registration(`t-${type}`, 0xb0, policies[0], transportOf));
      world.check(`a ${type} service is registered`, said.rejected === false, JSON.stringify(said));
    }

    const pool = poolOf('weighted-random');
    await request('re-registration', registration(pool, 0xa3, { type: 'weighted-random', weight: 9 }));
    world.check('a re-registration changes values', (await members(r1, pool)).get(0xa3).policy.weight === 9);
    const other = await request('other policy', registration(pool, 0xa3, { type: 'round-robin' }));
    world.check('another policy in the pool is rejected', other.rejected === true, JSON.stringify(other));
    world.facts.otherPolicy = other.causes;
    const loopback = { type: 'sctp', port: 7000, use: 'data', addresses: ['127.0.0.1'] };
    const refused = await request('loopback', registration('loop', 0xb1, policies[0], loopback));
    world.check('a loopback address is not taken', refused.rejected !== false, JSON.stringify(refused));
    world.facts.loopback = refused;

    const unknown = await ask(r1.address, {
      type: 'handle-resolution',
      sendUpdates: false,
      poolHandle: handleOf('nobody'),
    });
    world.check(
      'an unknown pool is said to be unknown',
      unknown.causes?.[0]?.code === 9,
      JSON.stringify(unknown),
    );

    await world.until('keep-alives come, and are answered', () => keepAlives > policies.length);
    world.check(
      'answered keep-alives keep the element',
      (await has(r1, poolOf('round-robin'), [0xa0])) !== false,
    );
    const removal = { poolHandle: handleOf(poolOf('round-robin')), elementId: 0xa0 };
    const gone = await request('deregistration', { type: 'deregistration', ...removal });
    world.check(
      'a deregistration is confirmed',
      gone.type === 'deregistration-response' && gone.causes.length === 0,
    );
    world.check('and the pool is empty', (await members(r1, poolOf('round-robin')))?.size === 0);

    const reported = {
      type: 'endpoint-unreachable',
      poolHandle: handleOf(poolOf('priority')),
      elementId: 0xa4,
    };
    for (let report = 0; report < 3; report += 1) connection.send(encodeAsap(reported));
    await world.until(
      'three reports remove an element',
      async () => (await members(r1, poolOf('priority')))?.size === 0,
    );

    answering = false;
    await world.until(
      'keep-alives without answer remove what is left',
      async () => (await members(r1, poolOf('random')))?.size === 0,
    );
    world.facts.abortedByRegistrar = connection.closed !== null;
    world.step(`its registrar ended the association: ${connection.closed?.message ?? 'no'}`);
  },
};
