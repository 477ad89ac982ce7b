// SPDX-License-Identifier: Apache-2.0
import { encodeUtf8 } from '../bytes/index.ts';
import {
  functionReport,
  functionSpecification,
  leaseEndpoint,
  setConfiguration,
  slotAssignment,
  slotReport,
} from './document-shapes.ts';
import type {
  FunctionReport,
  FunctionSpecification,
  LeaseEndpoint,
  SetConfiguration,
  SlotAssignment,
  SlotReport,
} from './documents.ts';
import { parseStrictJson } from './json.ts';
import type { Shape } from './shape.ts';
import { type StateOffers, stateOffers } from './state-level.ts';

/*
 * Documents to octets and back. Parsers throw `WireError`; a `DocumentError` among them carries the number for
 * extension 4. Encoders write keys in a fixed order, so equal documents are equal octets, and refuse what the
 * parser would refuse.
 */

export function parseFunctionSpecification(octets: Uint8Array): FunctionSpecification {
  return functionSpecification(parseStrictJson(octets), 'specification');
}

export function encodeFunctionSpecification(value: FunctionSpecification): Uint8Array {
  return encode(functionSpecification, value, 'specification');
}

export function parseSlotAssignment(octets: Uint8Array): SlotAssignment {
  return slotAssignment(parseStrictJson(octets), 'assignment');
}

export function encodeSlotAssignment(value: SlotAssignment): Uint8Array {
  return encode(slotAssignment, value, 'assignment');
}

export function parseSetConfiguration(octets: Uint8Array): SetConfiguration {
  return setConfiguration(parseStrictJson(octets), 'configuration');
}

export function encodeSetConfiguration(value: SetConfiguration): Uint8Array {
  return encode(setConfiguration, value, 'configuration');
}

export function parseLeaseEndpoint(octets: Uint8Array): LeaseEndpoint {
  return leaseEndpoint(parseStrictJson(octets), 'leaseEndpoint');
}

export function encodeLeaseEndpoint(value: LeaseEndpoint): Uint8Array {
  return encode(leaseEndpoint, value, 'leaseEndpoint');
}

export function parseSlotReport(octets: Uint8Array): SlotReport {
  return slotReport(parseStrictJson(octets), 'slotReport');
}

export function encodeSlotReport(value: SlotReport): Uint8Array {
  return encode(slotReport, value, 'slotReport');
}

export function parseFunctionReport(octets: Uint8Array): FunctionReport {
  return functionReport(parseStrictJson(octets), 'functionReport');
}

export function encodeFunctionReport(value: FunctionReport): Uint8Array {
  return encode(functionReport, value, 'functionReport');
}

export function parseStateOffers(octets: Uint8Array): StateOffers {
  return stateOffers(parseStrictJson(octets), 'offers');
}

export function encodeStateOffers(value: StateOffers): Uint8Array {
  return encode(stateOffers, value, 'offers');
}

function encode<Value>(shape: Shape<Value>, value: Value, path: string): Uint8Array {
  return encodeUtf8(JSON.stringify(shape(value, path)));
}
