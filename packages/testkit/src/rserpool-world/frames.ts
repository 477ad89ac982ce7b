// SPDX-License-Identifier: Apache-2.0
import { type AsapIncoming, readAsap } from '@vnfpool/runtime/asap';
import { type EnrpIncoming, readEnrp } from '@vnfpool/runtime/enrp';
import { type AsapMessage, encodeAsap } from '@vnfpool/wire/asap';
import { type EnrpMessage, encodeEnrp } from '@vnfpool/wire/enrp';
import type { Frame } from './association.ts';
import type { World } from './world.ts';

export function asapFrame(world: World, message: AsapMessage): Frame {
  world.traffic.count('asap', message.type);
  return world.plan.isEncoded ? encodeAsap(message) : message;
}

export function enrpFrame(world: World, message: EnrpMessage): Frame {
  world.traffic.count('enrp', `enrp ${message.type}`);
  return world.plan.isEncoded ? encodeEnrp(message) : message;
}

/** What an ASAP endpoint reads. */
export function readAsapFrame(frame: Frame): AsapIncoming {
  if (frame instanceof Uint8Array) return readAsap(frame);
  return { type: 'message', message: frame as AsapMessage, unrecognized: [] };
}

export function readEnrpFrame(frame: Frame): EnrpIncoming {
  if (frame instanceof Uint8Array) return readEnrp(frame);
  return { type: 'message', message: frame as EnrpMessage, unrecognized: [] };
}
