// SPDX-License-Identifier: Apache-2.0
import type { Registration } from '@vnfpool/wire/asap';
import {
  CAUSE,
  causeInfo,
  type ErrorCause,
  errorCause,
  type PoolElement,
  transportAddresses,
  writePolicy,
  writePoolElement,
  writeTransport,
} from '@vnfpool/wire/parameters';
import type { Pool } from '../../handlespace/pool.ts';
import { banned } from '../authorization.ts';
import { atDistance, distanceMsOf } from '../distance.ts';
import { adoptElement, tellRegistered } from '../elements.ts';
import type { RegistrationRefusal } from '../messages.ts';
import { isOwner } from '../owner.ts';
import { withinLimits } from '../rate-limits.ts';
import { sameElement } from '../same-element.ts';
import type { Association, RegistrarState } from '../state.ts';
import { suggestTakeover } from '../takeover/suggest.ts';
import type { Handler } from './handler.ts';

/**
 * Puts an element into its pool, or says why not. Nothing is stored before the peer is known and authorised.
 * @see RFC 5352 §3.1, RFC 5355 §2.1
 */
export const handleRegistration: Handler<Registration> = (state, association, message, nowMs) => {
  const { poolHandle } = message;
  const { id: elementId } = message.element;
  const element = asOwn(state, association, message.element);
  const pool = state.handlespace.pool(poolHandle);
  const refusal = refuse(state, association, poolHandle, message.element, pool, nowMs);
  const result =
    refusal === undefined ? adoptElement(state, association, poolHandle, element, nowMs) : undefined;
  const reason = result?.kind === 'refused' ? result.reason : refusal;

  if (reason !== undefined) {
    state.counters.registrationsRefused += 1;
    const causes = [causeOf(reason, element, pool)];
    state.send(association, { type: 'registration-response', rejected: true, poolHandle, elementId, causes });
    // That the limit is reached was told once.
    if (reason !== 'rate-limited')
      state.event({ type: 'event', event: 'registration-refused', poolHandle, elementId, reason });
    return;
  }
  state.counters.registrations += 1;
  state.send(association, {
    type: 'registration-response',
    rejected: false,
    poolHandle,
    elementId,
    causes: [],
  });
  const previous = result?.kind === 'replaced' ? result.previous : undefined;
  const change = previous === undefined ? 'new' : sameElement(previous, element) ? 'renewed' : 'changed';
  tellRegistered(state, poolHandle, element, change);
  state.event({ type: 'event', event: 'element-registered', poolHandle, elementId, reason: change });
  // After the update to all: a renewal says that the element stayed, whatever was suggested before.
  if (change === 'new') suggestTakeover(state, poolHandle, element);
};

/**
 * The element as we keep it: we are its home, and its ASAP endpoint and its distance are what the association tells,
 * not what it says.
 */
function asOwn(state: RegistrarState, association: Association, element: PoolElement): PoolElement {
  const { id, userTransport, policy } = element;
  const { infiniteLife, distanceStepMs } = state.options;
  const homeRegistrar = state.registrarId;
  const registrationLife = element.registrationLife === -1 ? infiniteLife : element.registrationLife;
  const own = { id, homeRegistrar, registrationLife, userTransport, policy };
  const asapTransport = asapTransportOf(association, element);
  const placed = asapTransport === undefined ? own : { ...own, asapTransport };
  return atDistance(placed, distanceMsOf(association.rttMs, distanceStepMs));
}

/**
 * Where its ASAP endpoint is. Over TCP the association does not tell where it listens: the element does, of its own
 * addresses, or of any if we know who it is.
 */
function asapTransportOf(
  { peer, identity }: Association,
  { asapTransport: told }: PoolElement,
): PoolElement['asapTransport'] {
  if (peer.asapTransport !== undefined || peer.transport === 'sctp') return peer.asapTransport;
  if (told?.type !== 'tcp' || told.port === 0) return undefined;
  return identity !== null || peer.addresses.includes(told.address) ? told : undefined;
}

/** The checks, in the order of RFC 5352 §3.1; those of the pool's limits follow in the handlespace. */
function refuse(
  state: RegistrarState,
  association: Association,
  poolHandle: Uint8Array,
  element: PoolElement,
  pool: Pool | undefined,
  nowMs: number,
): RegistrationRefusal | undefined {
  const { identity, peer } = association;
  // First, so that those who may not register cannot make more of refusals either.
  if (!withinLimits(state, association, 'registrations', nowMs)) {
    state.counters.registrationsLimited += 1;
    return 'rate-limited';
  }
  const ban = banned(state, association, poolHandle, element);
  if (ban !== undefined) return ban;
  // An authenticated peer on TCP may register what it is authorised for: a virtual address, say.
  if (identity === null || peer.transport === 'sctp') {
    const own = new Set(peer.addresses);
    if (!transportAddresses(element.userTransport).every((address) => own.has(address)))
      return 'address-not-own';
  }
  if (element.id === 0) return 'invalid-identifier';
  if (element.registrationLife === 0 || element.registrationLife < -1) return 'invalid-life';
  const mismatch = pool?.mismatch(element);
  if (mismatch !== undefined) return mismatch;
  if (pool !== undefined && isAnother(state, association, poolHandle, element, pool))
    return 'identifier-in-use';
  const isMine = state.owned.get(poolHandle, element.id)?.associations.has(association) === true;
  if (!isMine && association.elements.size >= state.options.elementsPerAssociationMax)
    return 'association-full';
  return undefined;
}

/**
 * Whether the identifier belongs to another element that is still alive: registered by somebody else, or, where
 * we do not know who is who, over another living association with other addresses.
 */
function isAnother(
  state: RegistrarState,
  association: Association,
  poolHandle: Uint8Array,
  element: PoolElement,
  pool: Pool,
): boolean {
  const owned = state.owned.get(poolHandle, element.id);
  const existing = pool.get(element.id);
  if (owned?.association === undefined || owned.associations.has(association) || existing === undefined)
    return false;
  if (owned.owner !== undefined || association.identity !== null)
    return !isOwner(association.identity, owned.owner);
  const known = transportAddresses(existing.userTransport);
  return !transportAddresses(element.userTransport).some((address) => known.includes(address));
}

function causeOf(reason: RegistrationRefusal, element: PoolElement, pool: Pool | undefined): ErrorCause {
  switch (reason) {
    case 'not-authenticated':
    case 'not-authorized':
      return errorCause(CAUSE.security);
    case 'address-not-own':
      return errorCause(
        CAUSE.invalidValues,
        causeInfo((writer) => writeTransport(writer, element.userTransport)),
      );
    case 'policy-unsupported':
      return errorCause(
        CAUSE.invalidValues,
        causeInfo((writer) => writePolicy(writer, element.policy)),
      );
    case 'invalid-identifier':
    case 'invalid-life':
      return errorCause(
        CAUSE.invalidValues,
        causeInfo((writer) => writePoolElement(writer, element)),
      );
    case 'handle-empty':
    case 'handle-too-long':
      return errorCause(CAUSE.invalidValues);
    case 'identifier-in-use':
      return errorCause(CAUSE.nonUniqueIdentifier);
    case 'policy':
      return pool === undefined
        ? errorCause(CAUSE.inconsistentPolicy)
        : errorCause(
            CAUSE.inconsistentPolicy,
            causeInfo((writer) => writePolicy(writer, pool.policy)),
          );
    case 'transport':
      return pool === undefined
        ? errorCause(CAUSE.inconsistentTransport)
        : errorCause(
            CAUSE.inconsistentTransport,
            causeInfo((writer) => writeTransport(writer, pool.transport)),
          );
    case 'use':
      return errorCause(CAUSE.inconsistentDataControl);
    case 'association-full':
    case 'rate-limited':
    case 'handlespace-full':
    case 'pools-full':
    case 'pool-full':
      return errorCause(CAUSE.lackOfResources);
  }
}
