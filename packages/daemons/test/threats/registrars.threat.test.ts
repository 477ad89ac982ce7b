// SPDX-License-Identifier: Apache-2.0
import { scopeGuard } from '@vnfpool/runtime/scope-security';
import { describe, expect, test } from 'vitest';
import {
  CALC,
  element,
  enrpSpeaker,
  member,
  plain,
  register,
  securityOf,
  startRegistrar,
  until,
} from './secured-scope.ts';

/* RFC 5355 §2.5 and §2.17: false registrars, and true ones that lie. */

const presenceOf = (sender: number) =>
  ({
    type: 'presence',
    sender,
    receiver: 0,
    replyRequired: true,
    checksum: 0xffff,
    server: { registrarId: sender, transport: { type: 'tcp', address: '127.0.0.1', port: 9 } },
  }) as const;

const enrp = { protocol: 'enrp' } as const;

describe('RFC 5355 §2.5', () => {
  test('2.5 who is no registrar of the scope is no peer, and learns nothing', async () => {
    const registrar = await startRegistrar('registrar/r1');
    const honest = await member('element/calc-1', registrar.asap);
    expect(await register(honest, element(1))).toBe('accepted');
    const false_ = {
      ...securityOf('registrar/r2'),
      keys: [
        {
          identity: 'registrar/r2',
          role: 'registrar',
          name: 'r2',
          key: Uint8Array.from({ length: 32 }, (_, i) => 255 - i),
        },
      ],
    } as const;
    const transports = [
      plain('enrp'),
      scopeGuard(false_, 'registrar').transport(enrp),
      // A member, but an element.
      scopeGuard(securityOf('element/calc-2'), 'registrar').transport(enrp),
    ];
    for (const transport of transports) {
      const attempt = enrpSpeaker(transport, registrar.enrp).then((speaker) => {
        speaker.say({ type: 'handle-table-request', sender: 0x666, receiver: 0, ownOnly: false });
        return speaker.hears('handle-table-response');
      });
      await expect(attempt).rejects.toThrow();
    }
    expect(await registrar.view()).toMatchObject({ peers: [], peerAssociations: 0 });
  });

  test('2.5 true registrars find each other', async () => {
    const first = await startRegistrar('registrar/r1');
    const honest = await member('element/calc-1', first.asap);
    expect(await register(honest, element(1))).toBe('accepted');
    const second = await startRegistrar('registrar/r2', { peers: [first.enrp] });
    const view = await until(second, ({ state, pools }) => state === 'running' && pools.length === 1);
    expect(view.pools[0]?.elements).toMatchObject([{ id: '0x00000001', homeRegistrar: hex(first.id) }]);
  });

  test('2.5 a registrar that asks a false mentor gets nothing from it', async () => {
    const own = securityOf('registrar/r2');
    const keys = own.keys.map((each) => ({ ...each, key: each.key.map((octet) => 255 - octet) }));
    const false_ = await startRegistrar('registrar/r2', { security: { ...own, keys } });
    const registrar = await startRegistrar('registrar/r1', {
      peers: [false_.enrp],
      tuning: { mentorRoundsMax: 1, mentorRetryMs: 10 },
    });
    await until(registrar, ({ state }) => state === 'running');
    expect(await registrar.view()).toMatchObject({ pools: [], peers: [] });
    expect((await false_.view()).peers).toEqual([]);
    const refusals = false_.lines.filter(({ msg }) => msg === 'peer refused');
    expect(refusals).toMatchObject([{ reason: /does not hold the key of registrar\/r1/ }]);
  });
});

describe('RFC 5355 §2.17', () => {
  test('2.17 a registrar cannot remove the elements of another, nor speak for it', async () => {
    const registrar = await startRegistrar('registrar/r1');
    const honest = await member('element/calc-1', registrar.asap);
    expect(await register(honest, element(1))).toBe('accepted');
    const liar = await enrpSpeaker(
      scopeGuard(securityOf('registrar/r2'), 'registrar').transport(enrp),
      registrar.enrp,
    );
    liar.say(presenceOf(0x666));
    await until(registrar, ({ peers }) => peers.length === 1);
    const update = {
      type: 'handle-update',
      sender: 0x666,
      receiver: 0,
      takeoverSuggested: false,
      poolHandle: CALC,
    } as const;
    const asapTransport = { type: 'tcp', address: '127.0.0.1', port: 9 } as const;
    const told = (homeRegistrar: number) => ({ ...element(1), homeRegistrar, asapTransport });
    liar.say({ ...update, action: 'delete', element: told(registrar.id) });
    liar.say({ ...update, action: 'delete', element: told(0x666) });
    liar.say({ ...update, action: 'add', element: { ...told(registrar.id), registrationLife: 1 } });
    // What it was told before it answers this, it has dealt with.
    liar.say({ type: 'list-request', sender: 0x666, receiver: registrar.id });
    await liar.hears('list-response');
    const view = await registrar.view();
    expect(view.pools[0]?.elements).toMatchObject([
      { id: '0x00000001', homeRegistrar: hex(registrar.id), attached: true },
    ]);
    // As the registrar itself: it takes that for a clash of identifiers, and does not do what is said.
    liar.say({ ...update, sender: registrar.id, action: 'delete', element: told(registrar.id) });
    await liar.closed.catch(() => undefined);
    expect((await registrar.view()).pools[0]?.elements).toHaveLength(1);
  });
});

function hex(id: number): string {
  return `0x${id.toString(16).padStart(8, '0')}`;
}
