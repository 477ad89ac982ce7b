// SPDX-License-Identifier: Apache-2.0
import type { RegistrarOutput } from '@vnfpool/core/registrar';
import type { EnrpMessage } from '@vnfpool/wire/enrp';
import type { RserpoolMutation } from './mutation.ts';
import type { RserpoolPlan } from './options.ts';

/** A broken behaviour, and a world in which it shows. */
export interface NamedMutation extends RserpoolMutation {
  readonly override?: Partial<RserpoolPlan>;
}

type Loses = (message: EnrpMessage) => boolean;

/** Messages to other registrars that never leave. */
function never(isLost: Loses): (output: RegistrarOutput) => RegistrarOutput | undefined {
  return (output) => (output.type === 'peer-send' && isLost(output.message) ? undefined : output);
}

const isAudit: Loses = (message) => message.type === 'handle-table-request' && message.ownOnly;
const several = { registrars: 4, elements: 8, users: 2, lifeMs: 300_000 } as const;

/** One fault at a time, and time to deal with it. */
const alone = {
  faultsARound: 1,
  faultsAtStart: false,
  faultsForMs: 60_000,
  kinds: ['registrar is gone for ever'],
} as const;

/** Each has to be found within a few seeds. */
export const RSERPOOL_MUTATIONS: ReadonlyMap<string, NamedMutation> = new Map<string, NamedMutation>([
  [
    'a takeover is never begun',
    {
      override: several,
      output: never(({ type }) => type === 'init-takeover' || type === 'takeover-server'),
    },
  ],
  [
    'a takeover is never agreed to',
    { override: several, output: never(({ type }) => type === 'init-takeover-ack') },
  ],
  [
    'elements that left are not told, and nobody audits',
    {
      override: several,
      output: never(
        (message) => isAudit(message) || (message.type === 'handle-update' && message.action === 'delete'),
      ),
    },
  ],
  [
    'elements that came are not told, and nobody audits',
    {
      override: several,
      output: never(
        (message) => isAudit(message) || (message.type === 'handle-update' && message.action === 'add'),
      ),
    },
  ],
  [
    'the checksum stands still',
    {
      override: several,
      output: (output) =>
        output.type === 'peer-send' && output.message.type === 'presence'
          ? { ...output, message: { ...output.message, checksum: 0xffff } }
          : output,
    },
  ],
  ['nobody says that he is there', { override: several, output: never(({ type }) => type === 'presence') }],
  [
    'elements are never asked whether they live',
    {
      override: { ...several, lifeMs: null, heartbeatMs: null },
      options: () => ({ keepAlivePeriodMs: 0 }),
      output: (output) =>
        output.type === 'send' && output.message.type === 'endpoint-keep-alive' ? undefined : output,
    },
  ],
  [
    'registrations are acknowledged and forgotten',
    {
      override: several,
      options: () => ({ associationGraceMs: 1 }),
      heard: (message) =>
        message.type === 'handle-update' || message.type === 'handle-table-response' ? undefined : message,
    },
  ],
  [
    'one registrar counts a life in other units',
    {
      override: { ...several, profile: 'rfc', lifeMs: 60_000 },
      options: ({ index }) => (index === 0 ? { lifeUnit: 'milliseconds' } : {}),
    },
  ],
  [
    'one registrar sums other checksums',
    {
      override: several,
      heard: (message, { index }) =>
        index === 0 && message.type === 'presence' && message.checksum !== undefined
          ? { ...message, checksum: message.checksum ^ 1 }
          : message,
    },
  ],
  [
    'two registrars settle takeovers by opposite rules',
    {
      override: { ...several, profile: 'rsplib', registrars: 3, delayMsMin: 300, delayMsMax: 600, ...alone },
      options: ({ index }) => ({ arbitration: index % 2 === 0 ? 'highest' : 'lowest' }),
    },
  ],
  [
    'everything is announced a hundred times',
    {
      override: several,
      options: () => ({ peerHeartbeatCycleMs: 100 }),
    },
  ],
]);
