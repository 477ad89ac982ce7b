// SPDX-License-Identifier: Apache-2.0
import {
  type FunctionSpecification,
  plainAddress,
  type SetConfiguration,
  type SlotDefinition,
} from '@vnfpool/wire/mobility';
import type { FunctionId } from '../identity.ts';
import type { Resident } from './agent.ts';
import { definitionsOf, type HeldSlots } from './held-slots.ts';
import type { AgentOutput, ElementPolicy } from './types.ts';

/** Loads are told in steps of 2 %, so that noise does not become registrations. */
const LOAD_STEPS = 50;

/**
 * Which functions stand in the handlespace: those that hold a slot, by the slot's address where it has one.
 * A standby is not registered: it would be chosen and would not serve.
 */
export function registrationsOf(
  configuration: SetConfiguration | null,
  residents: ReadonlyMap<FunctionId, Resident>,
  held: HeldSlots,
): Map<FunctionId, AgentOutput & { type: 'register' }> {
  const wanted = new Map<FunctionId, AgentOutput & { type: 'register' }>();
  const definitions = configuration && definitionsOf(configuration);
  for (const [functionId, slots] of held) {
    const life = residents.get(functionId)?.life;
    const registration = life?.specification.registration;
    const place = life?.place;
    if (!life?.ready || !registration || !place) continue;
    // It is one element, also with several slots: by the address of the first one.
    const [first] = slots
      .map((state) => ({ state, definition: definitions?.get(state.id) }))
      .sort((a, b) => indexOf(a.definition) - indexOf(b.definition));
    if (!first) continue;
    wanted.set(functionId, {
      type: 'register',
      poolHandle: registration.poolHandle,
      functionId,
      address: addressOf(first.definition?.addresses) ?? place.address,
      port: place.port,
      policy: policyOf(registration, life.load, first.state.epoch),
    });
  }
  return wanted;
}

function indexOf(definition: SlotDefinition | undefined): number {
  return definition?.index ?? Number.POSITIVE_INFINITY;
}

/** Where users find the slot: elements have one address. A link-local one says nothing to who is elsewhere. */
function addressOf(addresses: readonly string[] = []): string | undefined {
  return addresses.map(plainAddress).find((address) => !/^fe[89ab][0-9a-f]:/.test(address));
}

function policyOf(
  registration: NonNullable<FunctionSpecification['registration']>,
  load: number,
  epoch: string,
): ElementPolicy {
  switch (registration.policy) {
    case 'least-used':
      return { type: 'least-used', load: Math.round(load * LOAD_STEPS) / LOAD_STEPS };
    case 'priority':
      return { type: 'priority', priority: Number(BigInt(epoch) & 0xffffffffn) };
    case 'round-robin':
      return { type: 'round-robin' };
  }
}
